import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const dateFindings = {
  'date.shifted': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'Dates or times mean another moment, or another day, after the migrations.',
    why: 'Events move by hours, reminders come on the wrong day, and nobody sees it in the schema.',
    advice: "Say the time zone when a type changes: … type timestamptz using starts_at at time zone 'UTC'.",
    declared: 'columns',
    bad: 'alter table public.events alter column starts_at type timestamptz;  -- reads it in the zone of the session',
    good: "alter table public.events alter column starts_at type timestamptz using starts_at at time zone 'UTC';",
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
