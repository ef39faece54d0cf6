import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const rollbackFindings = {
  'rollback.failed': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'A rollback script stopped with an error.',
    why: 'It would be needed on the worst day; then it must work.',
    advice: 'Fix the statement at the place shown. Rollback scripts run in the opposite order of the migrations.',
    declared: 'never',
    bad: 'drop table public.email_reminders;  -- a view of a later migration needs it',
    good: 'Each script takes back all that its migration made.',
  },
  'rollback.incomplete': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'After all rollback scripts ran, schema or data are not as they were before the migrations.',
    why: 'The old version of the app would meet a database that it does not know.',
    advice:
      'Take back what the evidence names; keep old values in an archive table when the migration overwrites them. Declare what cannot come back.',
    declared: 'object',
    bad: 'The migration replaces a policy, the rollback only drops the new one.',
    good: 'The rollback drops the new policy and makes the old one again.',
  },
  'rollback.missing': {
    severity: 'warning',
    metric: 'data',
    meaning: 'A migration has no rollback script.',
    why: 'The only way back is the backup, and all that was written since is lost with it.',
    advice: 'Write one of the same name in the rollback folder.',
    declared: 'object',
    bad: 'migrations/204_update_rls_policies.sql alone',
    good: 'migrations/204_update_rls_policies.sql and rollback/204_update_rls_policies.sql',
  },
  'rollback.loses-new-data': {
    severity: 'warning',
    metric: 'data',
    meaning: 'The rollback removes what users may have entered after the deploy.',
    why: 'A dropped column or table takes new rows along.',
    advice: 'Copy them to an archive table in the rollback script before the drop.',
    declared: 'object',
    bad: 'alter table public.profiles drop column timezone;',
    good: 'create table public.profiles_timezone_archive as select id, timezone from public.profiles; alter table … drop column …;',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
