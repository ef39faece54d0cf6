import { deploySteps } from './deploy-steps.ts'
import type { PlanRule } from './rule.ts'

const compareWithDevelopment =
  'This run had no development database to compare with: compare the two schemas (supabase db diff), and read the schema changes in this report.'
const deployFunction = (name: string) => `A rehearsal deploys nothing: run supabase functions deploy ${name}.`
const realMail =
  'A rehearsal sends to a double of Resend, never to Resend itself: after the deploy, send one mail of each type to an address of your own.'
const setKey = 'Secrets of production are out of reach here: set it with supabase secrets set RESEND_API_KEY=…'
const watch = 'Only production can show it: watch the Resend dashboard and the function logs for the first days.'

const safety: readonly PlanRule[] = inPhase('1', 'Phase 1: Backup & Analysis', [
  {
    text: 'Full production database backup before any changes',
    evidence: ['restore.entries', 'restore.rows'],
    note: 'The dump is a backup that was proven to restore; take a fresh one right before the deploy.',
  },
  {
    text: 'Document current production schema and data',
    evidence: ['restore.entries', 'data.schema'],
    note: 'The report lists every kind of object and the rows of each table.',
  },
  {
    text: 'Identify differences between dev and production',
    evidence: ['schema.development'],
    ifNone: compareWithDevelopment,
  },
  { text: 'Test migration scripts on a copy of production data', evidence: ['migrations.applied'] },
])

const schema: readonly PlanRule[] = inPhase('2', 'Phase 2: Safe Schema Updates', [
  {
    text: 'Add missing columns (if any) with default values',
    evidence: ['topic:adds-column'],
    ifNone: 'No pending migration adds a column: make sure that none is missing in production.',
  },
  {
    text: 'Create missing tables (if any) without affecting existing data',
    evidence: ['topic:creates-table', 'data.ledger'],
    ifNone: 'No pending migration makes a table: make sure that none is missing in production.',
  },
  {
    text: 'Add missing indexes for performance',
    evidence: ['topic:creates-index'],
    ifNone: 'No pending migration makes an index: make sure that none is missing in production.',
  },
  {
    text: 'Update RLS policies to match development',
    evidence: ['topic:changes-policy', 'access.row-sets'],
    ifNone: 'No pending migration changes a policy: make sure that those of production are those of development.',
  },
])

const integrity: readonly PlanRule[] = inPhase('3', 'Phase 3: Data Integrity Fixes', [
  { text: 'Add missing event owner roles to event_user_roles', evidence: ['suite:integrity'] },
  { text: 'Fix any orphaned records without data loss', evidence: ['data.orphans', 'data.ledger'] },
  { text: 'Ensure all users have profiles in the profiles table', evidence: ['suite:integrity'] },
  {
    text: 'Verify email system configuration',
    evidence: ['suite:notifications'],
    manual:
      'Settings of production are out of reach here: look that the sender domain is verified at Resend and the key is set.',
  },
])

const notifications: readonly PlanRule[] = inPhase('4', 'Phase 4: Email Notification System Migration', [
  {
    text: 'Deploy unified edge function send-notification-email to production',
    evidence: ['function:send-notification-email', 'suite:notifications'],
    manual: deployFunction('send-notification-email'),
  },
  { text: 'Configure RESEND_API_KEY environment variable in production Supabase', evidence: [], manual: setKey },
  {
    text: 'Test all notification types with production email delivery',
    evidence: ['suite:notifications'],
    manual: realMail,
  },
  { text: 'Monitor delivery rates in Resend dashboard', evidence: [], manual: watch },
  {
    text: 'Keep old edge functions running for 1 week as backup',
    evidence: [],
    manual: 'A rehearsal does not see a week of production: do not delete the old functions yet.',
  },
  {
    text: 'Remove legacy functions after stable operation',
    evidence: [],
    manual: 'After a stable week: supabase functions delete, one by one.',
  },
])

const reminders: readonly PlanRule[] = inPhase('4.2', 'Phase 4.2: Email Reminder & Onboarding System Migration', [
  {
    text: 'Deploy email tracking tables 210_create_email_tracking_tables.sql to production',
    evidence: ['migration:210_create_email_tracking_tables.sql'],
    manual: 'A rehearsal deploys nothing: it goes to production with the other migrations (supabase db push).',
  },
  {
    text: 'Deploy invitation reminder function send-invitation-reminder to production',
    evidence: ['function:send-invitation-reminder', 'suite:reminders'],
    manual: deployFunction('send-invitation-reminder'),
  },
  {
    text: 'Deploy onboarding email function send-onboarding-email to production',
    evidence: ['function:send-onboarding-email', 'suite:reminders'],
    manual: deployFunction('send-onboarding-email'),
  },
  {
    text: 'Deploy background job function process-email-reminders to production',
    evidence: ['function:process-email-reminders', 'suite:reminders'],
    manual: deployFunction('process-email-reminders'),
  },
  { text: 'Configure RESEND_API_KEY environment variable (if not already set)', evidence: [], manual: setKey },
  {
    text: 'Test all email reminder functions with production email delivery',
    evidence: ['suite:reminders'],
    manual: realMail,
  },
  {
    text: 'Set up cron job for daily processing of reminders and onboarding emails',
    evidence: ['topic:schedules-job'],
    ifNone: 'No pending migration schedules a job: set it up in the dashboard (Integrations, Cron).',
    note: 'Jobs are run once on a copy where that is possible, and none by its schedule: look at cron.job_run_details the day after the deploy.',
  },
  { text: 'Monitor delivery rates and system performance', evidence: [], manual: watch },
])

const verification: readonly PlanRule[] = inPhase('4.1', 'Phase 4.1: Database Schema Verification', [
  {
    text: 'Verify production database schema matches development',
    evidence: ['schema.development'],
    ifNone: compareWithDevelopment,
  },
  {
    text: 'Test two-step query approach for event_user_roles and profiles tables',
    evidence: ['suite:roles-profiles'],
  },
  {
    text: 'Ensure RLS policies allow access to collaborator data for notifications',
    evidence: ['suite:rls', 'suite:roles-profiles'],
  },
  { text: 'Test event update notifications go to collaborators, not the editor', evidence: ['suite:notifications'] },
  {
    text: 'Verify date/time fields work correctly in production environment',
    evidence: ['dates.instants', 'dates.zones', 'suite:dates'],
  },
])

const validation: readonly PlanRule[] = inPhase('5', 'Phase 5: Testing & Validation', [
  { text: 'Test all features with production data', evidence: ['metric:features', 'features.tried'] },
  { text: 'Verify user authentication works', evidence: ['logins.real', 'metric:logins'] },
  {
    text: 'Test unified email notifications with real Resend API',
    evidence: ['suite:notifications'],
    manual: realMail,
  },
  { text: 'Validate all user data is accessible', evidence: ['metric:access'] },
  { text: 'Test notification rate limiting for chat messages', evidence: ['suite:rate-limiting'] },
])

/** Every checkbox of the migration plan, in its order and its words. */
export const builtInPlan: readonly PlanRule[] = [
  ...safety,
  ...schema,
  ...integrity,
  ...notifications,
  ...reminders,
  ...verification,
  ...validation,
  ...deploySteps.flatMap(({ id, phase, items }) => inPhase(id, phase, items)),
]

function inPhase(id: string, phase: string, items: readonly Omit<PlanRule, 'id' | 'phase'>[]): readonly PlanRule[] {
  return items.map((item, index) => ({ id: `${id}.${index + 1}`, phase, ...item }))
}
