import type { ReportCheck, ReportDocument, ReportMetric } from './schema.ts'
import { checkState, metricLabels, objectOf } from './wording.ts'

type Case = {
  readonly classname: string
  readonly name: string
  readonly seconds?: number
  readonly file?: string
  readonly result:
    | { readonly type: 'passed' }
    | { readonly type: 'failure' | 'error' | 'skipped'; readonly message: string; readonly body?: string }
}

/**
 * `junit.xml`: one suite for each metric's checks, one for the blocking findings, one for each folder of suites. A
 * required check that did not run is an error; a test's result is that of the after side.
 */
export function renderJunit(document: ReportDocument): string {
  const suites: [string, readonly Case[]][] = [
    ...document.metrics.map((metric): [string, Case[]] => [
      `Metric: ${metricLabels[metric.name]}`,
      metricCases(metric, document),
    ]),
    ['Findings', document.findings.filter(({ blocking }) => blocking).map(findingCase)],
    ...suiteCases(document),
  ]
  const all = suites.flatMap(([, cases]) => cases)
  const seconds = (document.provenance.milliseconds / 1000).toFixed(3)
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="greenlight: ${attribute(document.verdict)}" ${totals(all)} time="${seconds}">
${suites
  .filter(([, cases]) => cases.length > 0)
  .map(([name, cases]) => renderSuite(name, cases))
  .join('\n')}
</testsuites>
`
}

function metricCases(metric: ReportMetric, { findings }: ReportDocument): Case[] {
  return metric.checks.map((check) => ({
    classname: `greenlight.${metric.name}`,
    name: check.title,
    result: resultOf(check, checkState(check, metric, findings)),
  }))
}

function resultOf(check: ReportCheck, state: ReturnType<typeof checkState>): Case['result'] {
  const message = check.summary ?? check.reason ?? check.status
  switch (state) {
    case 'passed':
    case 'declared':
      return { type: 'passed' }
    case 'failed':
      return { type: 'failure', message }
    case 'not run':
    case 'not configured':
      return { type: check.required ? 'error' : 'skipped', message }
  }
}

function findingCase(finding: ReportDocument['findings'][number]): Case {
  const body = [...finding.evidence, `What to do: ${finding.fix ?? finding.advice}`, finding.expectation ?? '']
    .filter(Boolean)
    .join('\n')
  return {
    classname: 'greenlight.findings',
    name: `${finding.kind} ${objectOf(finding)}`,
    ...(finding.where && { file: finding.where.file }),
    result: { type: 'failure', message: finding.title, body },
  }
}

function suiteCases({ suites }: ReportDocument): [string, Case[]][] {
  const tests = suites?.tests ?? []
  const names = [...new Set(tests.map(({ suite }) => suite))].sort()
  return names.map((name) => [`Suite: ${name}`, tests.filter(({ suite }) => suite === name).map(testCase)])
}

function testCase(test: NonNullable<ReportDocument['suites']>['tests'][number]): Case {
  const base = {
    classname: `greenlight.suites.${test.suite}`,
    name: test.name,
    file: test.file,
    ...(test.milliseconds.after !== undefined && { seconds: test.milliseconds.after / 1000 }),
  }
  const body = `Before: ${test.before}. After: ${test.after}.`
  switch (test.outcome) {
    case 'same':
    case 'passes':
    case 'fixed':
      return { ...base, result: { type: 'passed' } }
    case 'regressed':
    case 'fails':
      return { ...base, result: { type: 'failure', message: test.message ?? test.outcome, body } }
    case 'not configured':
      return { ...base, result: { type: 'skipped', message: test.reason ?? test.outcome } }
    case 'not run':
      return { ...base, result: { type: 'error', message: test.reason ?? 'It did not run on both sides.', body } }
  }
}

function renderSuite(name: string, cases: readonly Case[]): string {
  return `  <testsuite name="${attribute(name)}" ${totals(cases)}>\n${cases.map(renderCase).join('\n')}\n  </testsuite>`
}

function renderCase({ classname, name, file, seconds, result }: Case): string {
  const place = file === undefined ? '' : ` file="${attribute(file)}"`
  const time = seconds === undefined ? '' : ` time="${seconds.toFixed(3)}"`
  const open = `    <testcase classname="${attribute(classname)}" name="${attribute(name)}"${place}${time}`
  if (result.type === 'passed') return `${open}/>`
  const body = result.body === undefined ? '' : escapeXml(result.body)
  return `${open}>\n      <${result.type} message="${attribute(result.message)}">${body}</${result.type}>\n    </testcase>`
}

function totals(cases: readonly Case[]): string {
  const count = (type: Case['result']['type']) => cases.filter(({ result }) => result.type === type).length
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`
}

function attribute(text: string): string {
  return escapeXml(text).replace(/"/g, '&quot;').replace(/\n/g, '&#10;').replace(/\t/g, '&#9;')
}

/** Characters that XML 1.0 does not allow at all are replaced: one of them would make the whole file unreadable. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}
