import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const declarationFindings = {
  'expectation.unmatched': {
    severity: 'warning',
    metric: 'data',
    meaning: 'A migration declares a change that did not happen.',
    why: 'Either the migration does not do what its author thinks, or the line is left over and would cover a later accident.',
    advice: 'Correct the line (kind, object, column, role) or remove it.',
    declared: 'never',
    bad: '-- greenlight: expects data.rows-deleted public.task because …  (the table is called public.tasks)',
    good: '-- greenlight: expects data.rows-deleted public.tasks where event_id is null because …',
  },
  'waiver.expired': {
    severity: 'blocking',
    metric: 'data',
    meaning: 'A waiver of the config is past its date and covers nothing any more.',
    why: 'It was accepted for a time only, and that time is over.',
    advice: 'Mend what it covered and remove it, or let its owner decide on a new date.',
    declared: 'never',
    bad: "until: '2024-12-31', and it is March",
    good: 'A date that someone keeps in the calendar.',
  },
  'waiver.unmatched': {
    severity: 'warning',
    metric: 'data',
    meaning: 'A waiver of the config covered nothing in this run.',
    why: 'It is left over, and would hide a later accident.',
    advice: 'Remove it from the config.',
    declared: 'never',
    bad: 'A waiver for a fault that was mended last month.',
    good: 'Waivers go with the fault that they are for.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
