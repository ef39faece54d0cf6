import type { ReportDocument } from '../schema.ts'
import { html, type Markup } from './template.ts'

type Item = ReportDocument['plan'][number]

const statuses = ['failed', 'not run', 'manual', 'done'] as const
const tones = { done: 'good', failed: 'bad', manual: 'note', 'not run': 'open' } as const
const labels = { done: '✓ Done', failed: '✗ Failed', manual: '✎ By hand', 'not run': '? Not run' } as const

/** The plan's checklist by phase; a phase with a failure stands open. */
export function planSection({ plan }: ReportDocument): Markup | undefined {
  if (plan.length === 0) return undefined
  const phases = [...new Set(plan.map(({ phase }) => phase))]
  const shares = statuses.toReversed().map((status) => [status, count(plan, status)] as const)
  const present = shares.filter(([, number]) => number > 0)
  return html`<section id="plan" aria-labelledby="plan-title">
<h2 id="plan-title">The migration plan <small>${count(plan, 'done')} of ${plan.length} checkboxes ticked with evidence</small></h2>
<div class="progress" aria-hidden="true">${present.map(([status, number]) => html`<span class="${tones[status]}" style="--share:${number}"></span>`)}</div>
<ul class="legend">${present.map(([status, number]) => html`<li class="${tones[status]}"><b>${labels[status]}</b> ${number}</li>`)}</ul>
${phases.map((phase) =>
  phaseBlock(
    phase,
    plan.filter((item) => item.phase === phase),
  ),
)}
</section>`
}

function phaseBlock(phase: string, items: readonly Item[]): Markup {
  const isOpen = items.some(({ status }) => status === 'failed')
  const tags = statuses.filter((status) => count(items, status) > 0)
  return html`<details class="phase"${isOpen && html` open`}>
<summary><span>${phase}</span><span class="tags">${tags.map((status) => html`<span class="tag ${tones[status]}">${labels[status]} ${count(items, status)}</span>`)}</span></summary>
<ul class="items">${items.map(
    ({ text, status, evidence }) =>
      html`<li><span class="tag ${tones[status]}">${labels[status]}</span><div>${text}<div class="proof">${evidence}</div></div></li>`,
  )}</ul>
</details>`
}

function count(items: readonly Item[], status: Item['status']): number {
  return items.filter((item) => item.status === status).length
}
