import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const restoreFindings = {
  'restore.entry-failed': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'An entry of the dump could not be restored: Postgres refused it.',
    why: 'The copy is not what production is, so whatever is found on it may not hold there; and the backup itself may not restore when it is needed.',
    advice:
      'Read the error in the evidence. Take the dump again with pg_dump of the same or a newer version than the server, or make what the entry needs available.',
    declared: 'never',
    bad: 'CREATE VIEW public.totals fails, since the function that it calls is in a schema that was left out of the dump.',
    good: 'The dump holds every schema that its objects refer to, and each entry ends as restored.',
  },
  'restore.entry-refused': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'An entry of the dump was not restored on purpose, and no stand-in could be made for it.',
    why: 'Something that production has is missing on the copy. A check that depends on it would look at nothing.',
    advice:
      'Read the reason in the evidence. Rehearse on an engine that has it (the container engine with the image of production), or accept it with a waiver.',
    declared: 'never',
    bad: 'A foreign server that points at another production host.',
    good: 'The same entry on an image that has the extension, or a waiver with an owner and a date.',
  },
  'restore.rows-missing': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'A table holds fewer rows after the restore than the dump has for it.',
    why: 'Rows that are missing from the copy cannot be compared: a loss of them would not be seen.',
    advice:
      'Look at the failed entries first: a table whose data failed has none. Otherwise the dump is damaged; take it again.',
    declared: 'never',
    bad: 'The archive holds 8,000 rows of public.event_user_roles, 7,412 were loaded.',
    good: 'Each table of the archive has the same number of rows on the copy.',
  },
  'restore.differs-from-capture': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'A table of the copy does not hold the rows that production held when it was captured.',
    why: 'The rehearsal is then not one of production: what it finds, and what it does not find, may not hold there.',
    advice:
      'Look at the failed entries first. Otherwise an extension, a trigger or a type works in another way on this engine: rehearse with the image of production, or leave the table out with a waiver.',
    declared: 'never',
    bad: 'A type of an extension that is a stand-in here, which writes its values in another way.',
    good: 'Each table has as many rows as were captured, and the same hash over them.',
  },
  'restore.extension-stubbed': {
    severity: 'info',
    metric: 'data',
    meaning:
      'An extension of production is not available on this engine; a stand-in with the same functions took its place.',
    why: 'Its objects exist, so migrations that name them run; what the extension does (run jobs, send requests) does not happen.',
    advice: 'Nothing, when the migrations do not depend on what it does. Else rehearse with the container engine.',
    declared: 'never',
    bad: 'A migration that waits for a pg_cron job to have run.',
    good: 'A migration that only schedules a job with cron.schedule.',
  },
  'restore.role-created': {
    severity: 'info',
    metric: 'data',
    meaning: 'The dump names a role without defining it; it was made here, without login.',
    why: 'Roles belong to the cluster, and pg_dump leaves them out. Its memberships and settings are unknown here.',
    advice:
      'Nothing, unless policies depend on memberships of that role. Then add a dump of the roles (pg_dumpall --roles-only).',
    declared: 'never',
    bad: 'A policy for reporting_team, whose members only production knows.',
    good: 'Policies for anon, authenticated and service_role.',
  },
  'restore.newer-server': {
    severity: 'warning',
    metric: 'data',
    meaning: 'The copy runs on a newer major version of the server than production.',
    why: 'Plans, locks and error messages may differ between versions.',
    advice: 'Rehearse with the container engine and the image of production before you rely on numbers of performance.',
    declared: 'never',
    bad: 'A dump of 15.8, rehearsed on 17.',
    good: 'A dump of 17.6, rehearsed on 17.10.',
  },
  'restore.not-in-dump': {
    severity: 'warning',
    metric: 'data',
    meaning: 'This kind of dump cannot hold a part of production, and nothing can be made up for it.',
    why: 'What is not on the copy was not rehearsed: a migration can break it, and nothing here would show that.',
    advice:
      'Take one dump of the whole database (pg_dump -Fc), or check by hand what the evidence names before you deploy.',
    declared: 'never',
    bad: 'The files of supabase db dump: no trigger on auth.users, no policy on storage.objects, no history, no cron jobs.',
    good: 'An archive of pg_dump -Fc, or the backup that the dashboard offers for download.',
  },
  'restore.references-broken': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'Rows of the dump refer to rows that it does not hold, though a foreign key of the platform forbids that.',
    why: 'The files do not fit together, or production holds rows that nothing may refer to; on the copy, such rows vanish from joins and logins.',
    advice:
      'Take all files of the dump at the same time, from a database that nobody writes to meanwhile, or as one archive (pg_dump -Fc).',
    declared: 'never',
    bad: 'auth.identities has 12 rows of users that are not in auth.users.',
    good: 'Every row of auth.identities has its user.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
