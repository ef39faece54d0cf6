import type { ReportDocument } from '../schema.ts'
import { sayDuration } from '../wording.ts'
import { html, type Markup } from './template.ts'

const tones = { done: 'note', failed: 'bad', 'not run': 'open' } as const

/** The time of each stage as a bar, against the longest one. */
export function stagesSection({ stages, provenance }: ReportDocument): Markup | undefined {
  if (stages.length === 0) return undefined
  const longest = Math.max(1, ...stages.map(({ milliseconds }) => milliseconds ?? 0))
  return html`<section id="stages" aria-labelledby="stages-title">
<h2 id="stages-title">Times <small>${sayDuration(provenance.milliseconds)} in all</small></h2>
<div class="card bars">${stages.map(({ name, status, milliseconds, reason }) => {
    const share = (((milliseconds ?? 0) / longest) * 100).toFixed(1)
    const time = milliseconds === undefined ? '–' : sayDuration(milliseconds)
    const state = status === 'done' ? '' : ` (${status})`
    return html`<div class="bar ${tones[status]}"><span>${name}${state}</span><span class="track" aria-hidden="true">${milliseconds !== undefined && html`<span style="--share:${share}%"></span>`}</span><span class="num">${time}</span>${reason !== undefined && html`<span class="why">${reason}</span>`}</div>`
  })}</div>
</section>`
}
