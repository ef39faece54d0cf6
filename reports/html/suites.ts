import type { KeptMails } from '../../harness/model/kept-mail.ts'
import type { ReportDocument } from '../schema.ts'
import { sayCount, sayDuration } from '../wording.ts'
import { allMails } from './kept-mails.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

type Test = NonNullable<ReportDocument['suites']>['tests'][number]

const outcomes = {
  regressed: ['bad', '✗ regressed'],
  fails: ['bad', '✗ fails on both'],
  'not run': ['open', '? not run'],
  fixed: ['good', '✓ fixed'],
  same: ['good', '✓ same'],
  passes: ['good', '✓ passes'],
  'not configured': ['calm', '– not configured'],
} as const
const order = Object.keys(outcomes)

/** Every test of every suite on both sides, the bad ones first, the unchanged folded. */
export function suitesSection({ suites }: ReportDocument, mails?: KeptMails): Markup | undefined {
  if (!suites) return undefined
  const rank = ({ outcome }: Test) => order.indexOf(outcome)
  const sorted = suites.tests.toSorted((one, other) => rank(one) - rank(other))
  const [same, passes] = [sorted.filter(is('same')), sorted.filter(is('passes'))]
  const others = sorted.filter(({ outcome }) => outcome !== 'same' && outcome !== 'passes')
  return html`<section id="suites" aria-labelledby="suites-title">
<h2 id="suites-title">Suites <small>${sayCount(suites.tests.length, 'test')} in ${sayCount(suites.files, 'file')}, ${sayDuration(suites.milliseconds)}</small></h2>
<div class="stack">
${mails && allMails(mails)}
${suites.errors.length > 0 && html`<article class="card finding bad"><h3>Errors outside of tests</h3><pre>${suites.errors.join('\n')}</pre></article>`}
${others.length > 0 && testTable('Each test ran on a clone of production as it is, and on a clone with the migrations applied.', others)}
${same.length > 0 && html`<details class="card"><summary>${sayCount(same.length, 'test passes', 'tests pass')} on both sides</summary>${testTable('The same before and after.', same)}</details>`}
${passes.length > 0 && html`<details class="card"><summary>${sayCount(passes.length, 'test of functions passes', 'tests of functions pass')} on the migrated copy</summary>${testTable('The functions are those of the deploy: on production as it is they are tried only where something fails.', passes)}</details>`}
</div></section>`
}

const is =
  (wanted: Test['outcome']) =>
  ({ outcome }: Test) =>
    outcome === wanted

function testTable(caption: string, tests: readonly Test[]): Markup {
  return table(
    caption,
    [
      { title: 'Test' },
      { title: 'Suite' },
      { title: 'Before' },
      { title: 'After' },
      { title: 'Outcome' },
      { title: 'Remarks' },
    ],
    tests.map(({ suite, name, before, after, outcome, message, reason }) => [
      name,
      suite,
      before,
      after,
      html`<span class="tag ${outcomes[outcome][0]}">${outcomes[outcome][1]}</span>`,
      (outcome === 'fixed' ? undefined : message) ?? reason ?? '',
    ]),
  )
}
