import type { ReportDocument, ReportFinding, ReportMetric } from '../schema.ts'
import { findingState, metricLabels, objectOf, sayCount } from '../wording.ts'
import type { LinkToMails } from './kept-mails.ts'
import { html, type Markup } from './template.ts'

const tones = { blocking: 'bad', declared: 'good', waived: 'note', warning: 'open', info: 'calm' } as const
const labels = {
  blocking: '✗ Blocks',
  declared: '✓ Declared',
  waived: '✓ Waived',
  warning: '! Warning',
  info: 'i Note',
} as const
const order = ['blocking', 'warning', 'waived', 'declared', 'info'] as const

/** All findings by metric: what blocks in full, the rest folded. */
export function findingsSection({ findings, metrics }: ReportDocument, mailsOf: LinkToMails): Markup {
  const blocking = findings.filter((finding) => finding.blocking).length
  const said = blocking === 0 ? 'nothing blocks' : `${blocking} ${blocking === 1 ? 'blocks' : 'block'} the deploy`
  return html`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">Findings <small>${sayCount(findings.length, 'finding')}, ${said}</small></h2>
${findings.length === 0 && html`<p>Nothing was found that a reader should know.</p>`}
${metrics.map((metric) =>
  group(
    metric,
    findings.filter((finding) => finding.metric === metric.name),
    mailsOf,
  ),
)}
</section>`
}

function group(metric: ReportMetric, findings: readonly ReportFinding[], mailsOf: LinkToMails): Markup | undefined {
  const cardOf = (finding: ReportFinding) => card(finding, mailsOf)
  const kindCardOf = (same: readonly ReportFinding[]) => kindCard(same, mailsOf)
  if (findings.length === 0) return undefined
  const others = findings.filter((finding) => !finding.blocking)
  return html`<div class="group">
<div class="group-head"><h3>${metricLabels[metric.name]}</h3><span class="soft">${sayCount(findings.length, 'finding')}</span></div>
${findings.filter((finding) => finding.blocking).map(cardOf)}
${
  others.length > 0 &&
  html`<details class="card rest"><summary>${tally(others)}</summary>
${byState(others, 'warning').map(kindCardOf)}${byState(others, 'waived').flat().map(cardOf)}${byState(others, 'declared').flat().map(cardOf)}${byState(others, 'info').map(kindCardOf)}
</details>`
}
</div>`
}

/** The findings of one state, grouped by kind. */
function byState(findings: readonly ReportFinding[], state: (typeof order)[number]): readonly ReportFinding[][] {
  const own = findings.filter((finding) => findingState(finding) === state)
  return [...new Set(own.map(({ kind }) => kind))].map((kind) => own.filter((finding) => finding.kind === kind))
}

/** All findings of one kind that only inform or warn: what the kind means is said once. */
function kindCard(findings: readonly ReportFinding[], mailsOf: LinkToMails): Markup | undefined {
  const [first] = findings
  if (!first) return undefined
  const state = findingState(first)
  return html`<article class="card finding ${tones[state]}">
<div class="top"><span class="tag">${labels[state]}</span><code>${first.kind}</code><span>${first.meaning}</span></div>
<ul class="lines">${findings.map(
    (finding) => html`<li>${finding.title}${place(finding) !== undefined && html` <code>${place(finding)}</code>`}
${finding.evidence.length > 0 && html`<details><summary class="soft">Evidence</summary><pre>${finding.evidence.join('\n')}</pre></details>`}${mailLine(mailsOf(finding))}</li>`,
  )}</ul>
${state === 'warning' && html`<p class="soft">What to do: ${first.advice}</p>`}
</article>`
}

function mailLine(mails: Markup | undefined): Markup | undefined {
  return mails && html`<div>${mails}</div>`
}

function place({ where, migration }: ReportFinding): string | undefined {
  return where ? `${where.file}:${where.line}${where.column ? `:${where.column}` : ''}` : migration
}

function tally(findings: readonly ReportFinding[]): string {
  const names = {
    blocking: 'blocking',
    warning: 'warning',
    waived: 'waived',
    declared: 'declared',
    info: 'for information',
  } as const
  const states = findings.map(findingState)
  return order
    .map((state) => [state, states.filter((each) => each === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => (state === 'warning' ? sayCount(count, 'warning') : `${count} ${names[state]}`))
    .join(', ')
}

function card(finding: ReportFinding, mailsOf: LinkToMails): Markup {
  const mails = mailsOf(finding)
  const state = findingState(finding)
  const { migration } = finding
  const at = place(finding)
  return html`<article class="card finding ${tones[state]}">
<div class="top"><span class="tag">${labels[state]}</span><code>${finding.kind}</code><span>${objectOf(finding)}</span></div>
<h4>${finding.title}</h4>
<dl>
${at !== undefined && html`<dt>Where</dt><dd><code>${at}</code></dd>`}
${finding.coveredBy && html`<dt>${state === 'waived' ? 'Waived' : 'Declared'}</dt><dd>${coverage(finding.coveredBy)}</dd>`}
<dt>What it means</dt><dd>${finding.meaning} ${finding.why}</dd>
${state !== 'declared' && state !== 'waived' && html`<dt>What to do</dt><dd>${finding.fix !== undefined && html`<strong>${finding.fix}</strong> `}${finding.advice}</dd>`}
${mails && html`<dt>The mails</dt><dd>${mails}</dd>`}
</dl>
${finding.expectation !== undefined && html`<div><span class="soft">When it is meant, paste into ${migration === undefined ? 'the migration that causes it' : html`<code>${migration}</code>`}, and say why:</span><pre>${finding.expectation}</pre></div>`}
${finding.evidence.length > 0 && html`<details class="fold"><summary>Evidence (${sayCount(finding.evidence.length, 'line')})</summary><pre>${finding.evidence.join('\n')}</pre></details>`}
</article>`
}

function coverage(covered: NonNullable<ReportFinding['coveredBy']>): Markup {
  return covered.type === 'expectation'
    ? html`${covered.reason} <span class="soft">(<code>${covered.migration}:${covered.line}</code>)</span>`
    : html`${covered.reason} <span class="soft">(${covered.owner}, until ${covered.until})</span>`
}
