import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const performanceFindings = {
  'query.costlier': {
    severity: 'blocking',
    metric: 'performance',
    meaning: 'A read touches clearly more blocks after the migrations than before.',
    why: 'Blocks do not depend on the machine or its load: on production it is dearer too, and grows with the data.',
    advice:
      'Look for an index that is gone, a policy that calls a function for each row, a join that was added. Wrap auth.uid() as (select auth.uid()).',
    declared: 'object',
    bad: 'using (public.is_member(event_id, auth.uid()))  -- for each row',
    good: 'using (event_id in (select event_id from public.event_user_roles where user_id = (select auth.uid())))',
  },
  'query.slower': {
    severity: 'blocking',
    metric: 'performance',
    meaning: 'A read takes clearly longer after the migrations, beyond what chance explains.',
    why: 'Both sides were measured in turns on one machine, so that load does not tell them apart.',
    advice: 'Compare the plans of both sides (explain analyze as that user), and add the index that is missing.',
    declared: 'object',
    bad: 'A policy that became a sequential scan of a big table.',
    good: 'An index on each column that a policy compares.',
  },
  'lock.blocks-reads': {
    severity: 'blocking',
    metric: 'performance',
    meaning: 'A statement holds a lock that stops reads of a table for longer than allowed.',
    why: 'The app stands still for as long; requests pile up and time out.',
    advice:
      'Do it in steps: add as NOT VALID and validate later, build indexes concurrently, rewrite in batches; set lock_timeout.',
    declared: 'object',
    bad: 'alter table public.chat_messages alter column id type bigint;',
    good: 'A new column, filled in batches, swapped at the end.',
  },
  'lock.blocks-writes': {
    severity: 'blocking',
    metric: 'performance',
    meaning: 'A statement holds a lock that stops writes to a table for longer than allowed.',
    why: 'Users cannot save for as long.',
    advice: 'Build indexes concurrently, and split big updates.',
    declared: 'object',
    bad: 'create index chat_event on public.chat_messages (event_id);',
    good: 'create index concurrently chat_event on public.chat_messages (event_id);',
  },
  'traffic.blocked': {
    severity: 'blocking',
    metric: 'performance',
    meaning: 'Requests that ran while the migrations were applied waited too long or failed.',
    why: 'It is what users would have felt during the deploy.',
    advice: 'Look which statement held the lock, and apply the advice for locks.',
    declared: 'object',
    bad: 'One transaction that adds a constraint and then updates for a minute.',
    good: 'Short transactions, with a lock_timeout.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
