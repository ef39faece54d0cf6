import type { ReportDocument, ReportFinding, ReportMetric } from './schema.ts'
import {
  checkSigns,
  findingState,
  metricLabels,
  metricSigns,
  objectOf,
  sayCount,
  sayDuration,
  verdictWords,
} from './wording.ts'

export type ConsoleOptions = {
  /** ANSI colours. Default: false. */
  readonly color?: boolean
  /** Path of the HTML report, to be named at the end. */
  readonly report?: string
  /** Blocking findings to show in full before the rest is only counted. Default: 10. */
  readonly findings?: number
}

const width = 100

/** The verdict for a terminal: at most 100 columns, but for lines to paste, which stay whole. */
export function renderConsole(
  document: ReportDocument,
  { color = false, report, findings = 10 }: ConsoleOptions = {},
): string {
  const paint = painter(color)
  const tone = { go: 'green', 'no-go': 'red', inconclusive: 'yellow' } as const
  const blocking = document.findings.filter((finding) => finding.blocking)
  const hidden = blocking.length - findings
  const blocks = [
    `${paint(`${tone[document.verdict]}Banner`, ` ${verdictWords[document.verdict]} `)}\n${wrap(document.reason, '')}`,
    document.metrics.map((metric) => renderMetric(metric, paint)).join('\n'),
    ...blocking.slice(0, findings).map((finding) => renderFinding(finding, paint)),
    hidden > 0 ? paint('red', `${sayCount(hidden, 'more blocking finding')}: see the report.`) : '',
    renderRest(document, report, paint),
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}

function renderMetric(metric: ReportMetric, paint: Paint): string {
  const tone = { met: 'green', 'not met': 'red', unknown: 'yellow' } as const
  const head = `${metricSigns[metric.status]} ${metricLabels[metric.name].padEnd(12)}`
  const indent = ' '.repeat(head.length)
  const open =
    metric.status === 'unknown' ? metric.checks.filter((check) => check.required && check.status === 'not run') : []
  const lines = open.map((check) =>
    wrap(`${checkSigns['not run']} ${check.title}: ${check.reason ?? 'not run'}`, indent),
  )
  return [
    paint(tone[metric.status], head) + wrap(metric.summary, indent).trimStart(),
    ...lines.map((line) => paint('dim', line)),
  ].join('\n')
}

function renderFinding(finding: ReportFinding, paint: Paint): string {
  const { where, migration } = finding
  const place = where ? `${where.file}:${where.line}${where.column ? `:${where.column}` : ''}` : migration
  return [
    `${paint('red', '✗')} ${wrap(finding.title, '  ').trimStart()}`,
    paint('dim', wrap(`${finding.kind} on ${objectOf(finding)}${place ? `, ${place}` : ''}`, '  ')),
    ...finding.evidence.slice(0, 3).map((line) => paint('dim', wrap(line, '    '))),
    wrap(`What to do: ${finding.fix ?? finding.advice}`, '  '),
    ...(finding.expectation
      ? [
          '  When it is meant, paste into the migration:',
          ...finding.expectation.split('\n').map((line) => paint('cyan', `  ${line}`)),
        ]
      : []),
  ].join('\n')
}

function renderRest(document: ReportDocument, report: string | undefined, paint: Paint): string {
  const states = document.findings.map(findingState)
  const count = (state: (typeof states)[number]) => states.filter((each) => each === state).length
  const plan = (status: string) => document.plan.filter((item) => item.status === status).length
  const parts = [
    count('declared') > 0 ? `${count('declared')} declared` : '',
    count('waived') > 0 ? `${count('waived')} waived` : '',
    count('warning') > 0 ? sayCount(count('warning'), 'warning') : '',
    count('info') > 0 ? `${count('info')} for information` : '',
  ].filter(Boolean)
  return [
    parts.length > 0 ? paint('dim', `Besides: ${parts.join(', ')}.`) : '',
    paint(
      'dim',
      `Plan: ${plan('done')} done, ${plan('failed')} failed, ${plan('manual')} by hand, ${plan('not run')} not run. Took ${sayDuration(document.provenance.milliseconds)}.`,
    ),
    report === undefined ? '' : `Report: ${report}`,
  ]
    .filter(Boolean)
    .join('\n')
}

const styles = {
  green: '32',
  red: '31',
  yellow: '33',
  cyan: '36',
  dim: '2',
  greenBanner: '1;30;42',
  redBanner: '1;97;41',
  yellowBanner: '1;30;43',
} as const
type Paint = (style: keyof typeof styles, text: string) => string

/** Without colour the text alone must tell everything, so nothing is lost. */
function painter(color: boolean): Paint {
  if (!color) return (style, text) => (style.endsWith('Banner') ? text.trim() : text)
  return (style, text) =>
    text
      .split('\n')
      .map((line) => `\u001b[${styles[style]}m${line}\u001b[0m`)
      .join('\n')
}

/** Breaks at spaces so that no line, its indent included, is longer than the width; a longer word stays whole. */
function wrap(text: string, indent: string): string {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = indent
    for (const word of paragraph.split(/\s+/).filter(Boolean)) {
      if (line.length > indent.length && line.length + 1 + word.length > width) {
        lines.push(line)
        line = indent
      }
      line += line.length > indent.length ? ` ${word}` : word
    }
    lines.push(line)
  }
  return lines.join('\n')
}
