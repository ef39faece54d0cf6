import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { Fingerprint } from '../../model/fingerprint.ts'

/**
 * Pure: whether a copy holds what production held when it was captured. `masked`: tables whose values were replaced on
 * the way; of these the rows alone can be counted. Tables that only the copy has are no loss: the platform makes some.
 */
export function compareFingerprints(
  captured: readonly Fingerprint[],
  restored: readonly Fingerprint[],
  masked: ReadonlySet<string> = new Set(),
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const there = new Map(restored.map((one) => [one.table, one]))
  const findings = captured.flatMap((was) => difference(was, there.get(was.table), masked.has(was.table)) ?? [])
  const counted = captured.filter(({ table }) => masked.has(table)).length
  const rows = captured.reduce((sum, one) => sum + one.rows, 0)
  const rest = counted === 0 ? '' : ` Of ${counted} masked tables the rows are counted only.`
  const summary =
    findings.length === 0
      ? `${format(rows)} rows of ${captured.length} tables are what production held when it was captured.${rest}`
      : `${findings.length} of ${captured.length} tables differ from what production held when it was captured.${rest}`
  return {
    findings,
    checks: [
      {
        id: 'restore.capture',
        metric: 'data',
        title: 'The copy is production as it was captured',
        required: true,
        status: findings.length === 0 ? 'passed' : 'failed',
        summary,
        numbers: { tables: captured.length, rows, differing: findings.length, masked: counted },
      },
    ],
  }
}

function difference(was: Fingerprint, is: Fingerprint | undefined, masked: boolean): Finding | undefined {
  const tell = (title: string, evidence: readonly string[] = []): Finding => ({
    kind: 'restore.differs-from-capture',
    object: was.table,
    title,
    evidence: [`Captured: ${format(was.rows)} rows, hash ${was.hash}.`, ...evidence],
  })
  if (is === undefined) return tell(`${was.table} was captured with ${format(was.rows)} rows and is not on the copy.`)
  const here = `On the copy: ${format(is.rows)} rows, hash ${is.hash}.`
  const columns = was.columns.filter((column) => !is.columns.includes(column))
  const added = is.columns.filter((column) => !was.columns.includes(column))
  if (columns.length > 0 || added.length > 0) {
    const names = [...columns.map((name) => `${name} is missing`), ...added.map((name) => `${name} is new`)]
    return tell(`${was.table} has other columns on the copy than when it was captured: ${names.join(', ')}.`, [here])
  }
  if (is.rows !== was.rows)
    return tell(
      `${was.table} has ${format(is.rows)} rows on the copy and had ${format(was.rows)} when it was captured.`,
      [here],
    )
  if (masked || is.hash === was.hash) return undefined
  return tell(`The ${format(is.rows)} rows of ${was.table} are not those that were captured: some value differs.`, [
    here,
  ])
}

function format(count: number): string {
  return count.toLocaleString('en')
}
