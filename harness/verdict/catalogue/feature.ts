import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const featureFindings = {
  'feature.regressed': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'A test passes on the copy of production and fails after the migrations.',
    why: 'The migrations break what the test stands for.',
    advice: 'Run the suite alone against a kept rehearsal (--keep), and follow the place in the evidence.',
    declared: 'never',
    bad: 'A collaborator no longer sees the members of an event.',
    good: 'The same test passes on both sides.',
  },
  'feature.fails': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'A test fails on both sides: production has the fault already, and the migrations do not mend it.',
    why: 'The plan wants the feature to work after the deploy. The migrations did not break it.',
    advice: 'Mend it with a migration, or accept it with a waiver that has an owner and a date.',
    declared: 'never',
    bad: 'validate_access_code fails for MHP2026, before and after.',
    good: 'It fails before and passes after: fixed.',
  },
  'feature.api-removed': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'The Data API no longer offers a table, column or function that it offered before.',
    why: 'Clients of the old version are still open in browsers and phones; they get errors.',
    advice:
      'Keep the old name for one release (a view, or an overload of the function), or declare that nobody calls it.',
    declared: 'object',
    bad: 'alter table public.events rename column title to name;',
    good: 'Add the new column, keep the old one filled by a trigger, and drop it a release later.',
  },
  'feature.api-added': {
    severity: 'info',
    metric: 'features',
    meaning: 'The Data API offers something new.',
    why: 'Whatever is in an exposed schema is public to the key of the app, within its grants and policies.',
    advice: 'Look whether it is meant to be public. If not, revoke it or move it to another schema.',
    declared: 'object',
    bad: 'create function public.internal_recount() …;  -- callable as /rpc/internal_recount',
    good: 'revoke execute on function public.internal_recount from anon, authenticated, public;',
  },
  'feature.fixed': {
    severity: 'info',
    metric: 'features',
    meaning: 'A test fails on the copy of production and passes after the migrations.',
    why: 'For the record: this is what the deploy mends.',
    advice: 'Nothing. Tell those who wait for it.',
    declared: 'never',
    bad: 'The fault is still there after the deploy.',
    good: 'Collaborators see each other now.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
