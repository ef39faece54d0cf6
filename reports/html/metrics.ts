import type { ReportCheck, ReportDocument, ReportFinding, ReportMetric } from '../schema.ts'
import { checkSigns, checkState, metricLabels, metricSigns, sayCount, sayKey, sayNumber } from '../wording.ts'
import { html, type Markup } from './template.ts'

const tones = { met: 'good', 'not met': 'bad', unknown: 'open' } as const
const checkTones = {
  passed: 'good',
  declared: 'good',
  failed: 'bad',
  'not run': 'open',
  'not configured': 'calm',
} as const
const figuresShown = 4

/** The five success metrics as cards: status, one sentence, figures, and the checks behind them. */
export function metricsSection({ metrics, findings }: ReportDocument): Markup {
  const met = metrics.filter(({ status }) => status === 'met').length
  return html`<section id="metrics" aria-labelledby="metrics-title">
<h2 id="metrics-title">Success metrics <small>${met} of ${metrics.length} met</small></h2>
<div class="cards">${metrics.map((metric) => card(metric, findings))}</div>
</section>`
}

function card(metric: ReportMetric, findings: readonly ReportFinding[]): Markup {
  const figures = Object.entries(metric.numbers)
    .filter(([key]) => key !== 'checks' && key !== 'checksPassed')
    .slice(0, figuresShown)
  return html`<article class="card metric ${tones[metric.status]}">
<div class="top"><h3>${metric.title}</h3><span class="tag">${metricSigns[metric.status]} ${metric.status}</span></div>
<p class="summary">${metric.summary}</p>
${figures.length > 0 && html`<dl class="figures">${figures.map(([key, value]) => html`<div><dt>${sayKey(key)}</dt><dd>${sayNumber(value)}</dd></div>`)}</dl>`}
${
  metric.checks.length > 0 &&
  html`<details class="fold"><summary>${metricLabels[metric.name]}: ${sayCount(metric.checks.length, 'check')}</summary>
<ul class="checks">${metric.checks.map((check) => checkItem(check, checkState(check, metric, findings)))}</ul></details>`
}
</article>`
}

function checkItem(check: ReportCheck, state: ReturnType<typeof checkState>): Markup {
  const told = check.summary ?? check.reason
  const said = {
    passed: '',
    declared: ' (what differs was declared or waived)',
    failed: '',
    'not run': ' (not run)',
    'not configured': ' (not configured)',
  }
  return html`<li class="${checkTones[state]}"><b role="img" aria-label="${state}">${checkSigns[state]}</b><div>${check.title}${said[state]}${!check.required && html` <span class="soft">· optional</span>`}${told !== undefined && html`<div class="soft">${told}</div>`}</div></li>`
}
