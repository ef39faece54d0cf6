import type { ReportCheck, ReportDocument, ReportFinding, ReportMetric } from './schema.ts'

/** Words and signs that every renderer shares: what a status is called is decided here, once. */

export const verdictWords: Readonly<Record<ReportDocument['verdict'], string>> = {
  go: 'GO',
  'no-go': 'NO-GO',
  inconclusive: 'INCONCLUSIVE',
}

export const metricLabels: Readonly<Record<ReportMetric['name'], string>> = {
  logins: 'Logins',
  access: 'Access',
  features: 'Features',
  data: 'Data',
  performance: 'Performance',
}

export const metricSigns: Readonly<Record<ReportMetric['status'], string>> = { met: '✓', 'not met': '✗', unknown: '?' }

/** A check may fail without harm: when all that blocks in its metric was declared or waived. */
export function checkState(
  check: ReportCheck,
  metric: ReportMetric,
  findings: readonly ReportFinding[],
): ReportCheck['status'] | 'declared' {
  if (check.status !== 'failed' || metric.status === 'not met') return check.status
  return findings.some((finding) => finding.metric === metric.name && finding.coveredBy) ? 'declared' : 'failed'
}

export const checkSigns: Readonly<Record<ReturnType<typeof checkState>, string>> = {
  passed: '✓',
  declared: '✓',
  failed: '✗',
  'not run': '?',
  'not configured': '–',
}

/** `blocking`, `declared`, `waived`, `warning`, `info`: what a finding amounts to in the end. */
export function findingState(finding: ReportFinding): 'blocking' | 'declared' | 'waived' | 'warning' | 'info' {
  if (finding.coveredBy) return finding.coveredBy.type === 'waiver' ? 'waived' : 'declared'
  return finding.severity
}

/** `public.profiles(timezone) to authenticated` */
export function objectOf({ object, columns, role }: Pick<ReportFinding, 'object' | 'columns' | 'role'>): string {
  return `${object}${columns?.length ? `(${columns.join(', ')})` : ''}${role ? ` to ${role}` : ''}`
}

/** `31,204` */
export function sayNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 })
}

/** `840 ms`, `3.2 s`, `1 min 12 s` */
export function sayDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `1.4 MB` (powers of ten) */
export function sayBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3))
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`
}

/** `rowsCompared` → `rows compared`; a key with its check in front keeps only itself. Units stay: `median ms`. */
export function sayKey(key: string): string {
  const own = key.slice(key.indexOf('/') + 1)
  return own.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase()
}

/** `2026-11-22 16:20 UTC` */
export function sayMoment(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? iso : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `1 finding`, `3 findings` */
export function sayCount(count: number, one: string, many = `${one}s`): string {
  return `${sayNumber(count)} ${count === 1 ? one : many}`
}
