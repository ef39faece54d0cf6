import type { ReportDocument } from '../schema.ts'
import { objectOf, sayCount } from '../wording.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

const states = {
  used: ['good', '✓ used'],
  expired: ['bad', '✗ expired'],
  unmatched: ['open', '! covers nothing'],
} as const

/** What the authors of migrations declared and what the team waived, with what each covered. */
export function declaredSection({ expectations, waivers }: ReportDocument): Markup | undefined {
  if (expectations.length + waivers.length === 0) return undefined
  return html`<section id="declared" aria-labelledby="declared-title">
<h2 id="declared-title">Declared and waived <small>${sayCount(expectations.length, 'expectation')}, ${sayCount(waivers.length, 'waiver')}</small></h2>
<div class="stack">
${
  expectations.length > 0 &&
  table(
    'Expectations stand in the migration that causes the change, and are reviewed with it.',
    [{ title: 'What' }, { title: 'Because' }, { title: 'Where' }, { title: 'Covers' }],
    expectations.map((each) => [
      html`<code>${each.kind}</code> ${objectOf({ ...each, columns: each.column === undefined ? undefined : [each.column] })}${each.predicate !== undefined && html` <span class="soft">where ${each.predicate}</span>`}`,
      each.reason,
      html`<code>${each.migration}:${each.line}</code>`,
      each.matched > 0
        ? html`<span class="tag good">✓ ${sayCount(each.matched, 'finding')}</span>`
        : html`<span class="tag open">! nothing</span>`,
    ]),
  )
}
${
  waivers.length > 0 &&
  table(
    'Waivers stand in the config: a finding accepted on purpose, by name and for a time.',
    [{ title: 'What' }, { title: 'Because' }, { title: 'Owner' }, { title: 'Until' }, { title: 'State' }],
    waivers.map(({ kind, object, reason, owner, until, state }) => [
      html`<code>${kind}</code> ${object}`,
      reason,
      owner,
      until,
      html`<span class="tag ${states[state][0]}">${states[state][1]}</span>`,
    ]),
  )
}
</div></section>`
}
