import { expect } from 'vitest'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { DeclaredMove } from '../../model/declared-move.ts'
import type { Finding } from '../../model/finding.ts'
import { compareLedger } from './compare-ledger.ts'

/** One migration and what the ledger must say of it. Every case has a schema of its own, which is in the search path. */
export type LedgerCase = {
  readonly before: string
  readonly migration: string
  /** Declared moves; tables without their schema. */
  readonly moves?: readonly Pick<DeclaredMove, 'from' | 'to' | 'by'>[]
  /** As `told` writes them, in any order. Empty: a near miss, which must stay silent. */
  readonly findings: readonly string[]
}

/** Runs all cases on one server, in one comparison, and hands back what was found in each. */
export async function runCases<Name extends string>(
  cases: Readonly<Record<Name, LedgerCase>>,
): Promise<(name: Name) => { readonly told: readonly string[]; readonly findings: readonly Finding[] }> {
  await using cluster = await startTestCluster()
  const before = await cluster.createDatabase('before')
  const entries = Object.entries<LedgerCase>(cases)
  const run = async (database: typeof before, sql: (entry: LedgerCase) => string) => {
    await using connection = await database.connect()
    await connection.query("SET TimeZone = 'Asia/Kathmandu'")
    for (const [index, [name, entry]] of entries.entries()) {
      try {
        await connection.query(`SET search_path = case${index}; ${sql(entry)}`)
      } catch (error) {
        throw new Error(`The SQL of "${name}" fails.`, { cause: error })
      }
    }
  }
  {
    await using connection = await before.connect()
    for (const index of entries.keys()) await connection.query(`CREATE SCHEMA case${index}`)
  }
  await run(before, (entry) => entry.before)
  const after = await before.clone('after')
  await run(after, (entry) => entry.migration)
  const moves = entries.flatMap(([, entry], index) => {
    const inSchema = (place: DeclaredMove['from']) => ({ ...place, table: `case${index}.${place.table}` })
    return (entry.moves ?? []).map((move) => ({
      ...move,
      from: inSchema(move.from),
      to: inSchema(move.to),
      migration: '301_move.sql',
      line: 1,
    }))
  })
  const { findings } = await compareLedger(before, after, { jobs: 2, moves })
  // Whether pages are compared first makes the ledger faster, and must change nothing else.
  const byPages = await compareLedger(before, after, { jobs: 2, moves, pagesFrom: 0 })
  expect(byPages.findings).toEqual(findings)
  return (name) => {
    const schema = `case${entries.findIndex(([other]) => other === name)}.`
    const own = findings.filter((finding) => finding.object.startsWith(schema))
    return { findings: own, told: own.map((finding) => told(finding, schema)).sort() }
  }
}

/** `data.values-changed answers(choice): 1 2`, with the keys of the rows; `(warning)` where the severity is not the kind's. */
function told(finding: Finding, schema: string): string {
  const columns = finding.columns ? `(${finding.columns.join(', ')})` : ''
  const keys = finding.rows?.keys.map((key) => key.join('/')).join(' ') ?? ''
  const count = /(?:^|\s)([\d,]+) (?:rows?|values?)\b/.exec(finding.title)?.[1] ?? ''
  const severity = finding.severity === 'warning' ? ' (warning)' : ''
  return `${finding.kind} ${finding.object.replace(schema, '')}${columns}: ${keys || `${count} rows`}${severity}`
}
