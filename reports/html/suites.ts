import type { ReportDocument } from '../schema.ts'
import { sayCount, sayDuration } from '../wording.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

type Test = NonNullable<ReportDocument['suites']>['tests'][number]

const outcomes = {
  regressed: ['bad', '✗ regressed'],
  fails: ['bad', '✗ fails on both'],
  'not run': ['open', '? not run'],
  fixed: ['good', '✓ fixed'],
  same: ['good', '✓ same'],
  'not configured': ['calm', '– not configured'],
} as const
const order = Object.keys(outcomes)

/** Every test of every suite on both sides, the bad ones first within their folder. */
export function suitesSection({ suites }: ReportDocument): Markup | undefined {
  if (!suites) return undefined
  const names = [...new Set(suites.tests.map(({ suite }) => suite))].sort()
  const rank = ({ outcome }: Test) => order.indexOf(outcome)
  const rows = names.flatMap((name) =>
    suites.tests.filter(({ suite }) => suite === name).toSorted((one, other) => rank(one) - rank(other)),
  )
  return html`<section id="suites" aria-labelledby="suites-title">
<h2 id="suites-title">Suites <small>${sayCount(suites.tests.length, 'test')} in ${sayCount(suites.files, 'file')}, ${sayDuration(suites.milliseconds)}</small></h2>
<div class="stack">
${suites.errors.length > 0 && html`<article class="card finding bad"><h3>Errors outside of tests</h3><pre>${suites.errors.join('\n')}</pre></article>`}
${table(
  'Each test ran on a clone of production as it is, and on a clone with the migrations applied.',
  [
    { title: 'Test' },
    { title: 'Suite' },
    { title: 'Before' },
    { title: 'After' },
    { title: 'Outcome' },
    { title: 'Remarks' },
  ],
  rows.map(({ suite, name, before, after, outcome, message, reason }) => [
    name,
    suite,
    before,
    after,
    html`<span class="tag ${outcomes[outcome][0]}">${outcomes[outcome][1]}</span>`,
    (outcome === 'fixed' ? undefined : message) ?? reason ?? '',
  ]),
)}
</div></section>`
}
