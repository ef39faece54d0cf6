import type { PlanRule } from './rule.ts'

type Phase = { readonly id: string; readonly phase: string; readonly items: readonly Omit<PlanRule, 'id' | 'phase'>[] }

/** The second half of the plan: its execution steps, the way back and its success metrics. */
export const deploySteps: readonly Phase[] = [
  {
    id: 'step-1',
    phase: 'Step 1: Create Migration Scripts',
    items: [
      {
        text: 'Extract only the SAFE changes from development',
        evidence: [],
        manual: 'It takes a person to choose them: read the findings of this report, among them what was declared.',
      },
      { text: 'Create production-specific migration scripts', evidence: ['migration:*'] },
      { text: 'Test on production database copy', evidence: ['migrations.applied'] },
    ],
  },
  {
    id: 'step-2',
    phase: 'Step 2: Pre-Migration Testing',
    items: [
      { text: 'Run migration scripts on production copy', evidence: ['migrations.applied'] },
      { text: 'Verify all features work with production data', evidence: ['metric:features', 'features.tried'] },
      {
        text: 'Test user authentication and data access',
        evidence: ['logins.real', 'metric:logins', 'metric:access'],
      },
      { text: 'Validate email system works correctly', evidence: ['suite:notifications', 'suite:reminders'] },
    ],
  },
  {
    id: 'step-3',
    phase: 'Step 3: Production Deployment',
    items: [
      {
        text: 'Apply migration scripts to production database',
        evidence: ['migrations.applied'],
        manual: 'A rehearsal never touches production: run supabase db push, with this verdict at hand.',
      },
      {
        text: 'Deploy application to Vercel',
        evidence: [],
        manual: 'A rehearsal deploys nothing: promote the build in Vercel after the migrations.',
      },
      {
        text: 'Monitor for any issues',
        evidence: [],
        manual: 'Only production can show it: watch the logs of the API, of Auth and of Postgres after the deploy.',
      },
      {
        text: 'Verify all users can access their data',
        evidence: ['metric:access'],
        manual: 'After the deploy, log in with an account of your own of each role and open its data.',
      },
    ],
  },
  {
    id: 'rollback',
    phase: 'Rollback plan',
    items: [
      {
        text: 'Revert RLS policies to previous state',
        evidence: ['rollback.policies'],
      },
      {
        text: 'Remove any added roles if they cause issues',
        evidence: ['rollback.added-rows'],
        note: 'What the scripts take of new data is among the warnings.',
      },
      {
        text: 'Keep application on Trickle.io as backup',
        evidence: [],
        manual: 'A rehearsal does not see hosting: leave the old deployment up until the new one is judged.',
      },
      {
        text: 'Restore from backup if necessary',
        evidence: ['rollback.restore'],
        note: 'Take the backup right before the deploy.',
      },
    ],
  },
  {
    id: 'success',
    phase: 'Success metrics',
    items: [
      { text: 'All existing users can log in', evidence: ['metric:logins'] },
      { text: 'All user data is accessible', evidence: ['metric:access'] },
      { text: 'All features work identically', evidence: ['metric:features', 'features.tried'] },
      { text: 'No data loss or corruption', evidence: ['metric:data'] },
      { text: 'Performance is maintained or improved', evidence: ['metric:performance'] },
    ],
  },
]
