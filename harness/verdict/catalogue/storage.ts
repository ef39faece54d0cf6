import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const storageFindings = {
  'storage.bloat': {
    severity: 'warning',
    metric: 'performance',
    meaning: 'A table or index takes far more room after the migrations than its rows need.',
    why: 'An UPDATE writes each row anew and leaves the old one behind: reads of the whole table, backups and caches carry it along until it is written anew.',
    advice:
      'Leave out rows that need no change (where … is distinct from …), write in batches with a vacuum between them, or run vacuum (full) or pg_repack afterwards.',
    declared: 'object',
    bad: "update public.answers set state = 'open';  -- also where it is open already",
    good: "alter table public.answers add column state text not null default 'open';",
  },
  'storage.grown': {
    severity: 'info',
    metric: 'performance',
    meaning: 'A table takes clearly more room after the migrations, or is new and large.',
    why: 'The disk of production must have that room, and as much again while an index or a table is built.',
    advice: 'Compare with what production has free, and with the plan that is paid for.',
    declared: 'object',
    bad: 'A copy of every message in a second table.',
    good: 'A view, or a column that is computed when it is read.',
  },
  'index.dropped': {
    severity: 'warning',
    metric: 'performance',
    meaning: 'An index that reads used is gone, and no other one of the table serves them.',
    why: 'They read the whole table now. That may be cheap here, and grows with the data.',
    advice: 'Keep the index, or make another one that begins with the same columns before it is dropped.',
    declared: 'object',
    bad: 'drop index public.answers_question_id_idx;',
    good: 'create index concurrently … on public.answers (question_id, created_at); drop index public.answers_question_id_idx;',
  },
  'index.abandoned': {
    severity: 'info',
    metric: 'performance',
    meaning: 'An index that reads used before is still there, and none of them uses it any more.',
    why: 'It takes room and makes each write dearer, for nothing; or a policy or a view was changed so that it no longer helps.',
    advice: 'Drop it where another one took its place; else look at what no longer compares its columns.',
    declared: 'object',
    bad: 'create index on public.answers (question_id, id);  -- and the one on (question_id) stays',
    good: 'The old index goes with the migration that makes the new one.',
  },
  'index.unused': {
    severity: 'info',
    metric: 'performance',
    meaning: 'A new index that none of the reads that were tried would use, however large the table is.',
    why: 'It makes each write dearer. The plain reads of the API are tried, and those of the config and of a capture: others may use it.',
    advice: 'Name the query that it is for in `queries` of the config, or leave the index out.',
    declared: 'object',
    bad: 'create index on public.answers (lower(comment));  -- nothing asks for it',
    good: 'An index for a query that the app sends.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
