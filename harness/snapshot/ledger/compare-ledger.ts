import type { Database } from '../../database/engine.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { LedgerCatalog } from './catalog.ts'
import { unmatchedMoves } from './declared-moves.ts'
import { count, ledgerFindings } from './findings.ts'
import { compareOrphans, takeOrphans } from './orphans.ts'
import type { Ledger } from './outcome.ts'
import { compareLooseSequences, compareSequences, takeLooseSequences, takeSequences } from './sequences.ts'
import { KeptPairs, openPair } from './session.ts'
import { type LedgerOptions, takeCatalogs, takeLedger } from './take.ts'
import { compareViews, takeViews } from './views.ts'

/**
 * Compares all data of two databases on one server: every row of every table of the app, of auth and of storage, the
 * references between them, the sequences that feed them, and the views that were redefined. Reads only. Throws `aborted`,
 * `database.changing` when somebody writes meanwhile, and what Postgres says when a table cannot be read.
 */
export async function compareLedger(
  before: Database,
  after: Database,
  options: LedgerOptions = {},
): Promise<{ readonly findings: readonly Finding[]; readonly checks: readonly Check[] }> {
  await using kept = new KeptPairs()
  const catalogs = await takeCatalogs(before, after, options.signal, kept)
  const ledger = await takeLedger(before, after, catalogs, { ...options, kept })
  const equal = new Set(ledger.tables.filter((table) => table.equal).map((table) => table.pair.after.object))
  const orphans = compareOrphans(await takeOrphans(before, after, catalogs, equal, { ...options, kept }))
  await using pair = await openPair(before, after, options.signal, kept)
  const loose = await Promise.all([takeLooseSequences(pair.before), takeLooseSequences(pair.after)])
  const sequences = compareSequences(
    await takeSequences(pair.before),
    await takeSequences(pair.after),
    compareLooseSequences(...loose),
  )
  const views = compareViews(await takeViews(pair))
  const rows = compareRows(ledger)
  const followed = new Set(ledger.tables.flatMap(({ elsewhere }) => elsewhere.map(({ move }) => move)))
  const moves = unmatchedMoves(options.moves ?? [], followed)
  return {
    findings: [...rows.findings, ...moves, ...orphans.findings, ...sequences.findings, ...views.findings],
    checks: [rows.check, orphans.check, sequences.check, views.check],
  }
}

/**
 * Only the rows of some tables, by the name that findings give them: what else the ledger tells is left out. `catalogOf`
 * takes the catalogue of a database, or knows it. Throws as `compareLedger`.
 */
export async function compareTables(
  before: Database,
  after: Database,
  only: ReadonlySet<string>,
  catalogOf: (database: Database) => Promise<LedgerCatalog>,
  options: LedgerOptions = {},
): Promise<readonly Finding[]> {
  const catalogs = { before: await catalogOf(before), after: await catalogOf(after) }
  return ledgerFindings(await takeLedger(before, after, catalogs, { ...options, only }))
}

/** Kinds that tell of the rows of one table, which is their object. */
export const kindsOfRows: ReadonlySet<string> = new Set([
  'data.rows-deleted',
  'data.rows-inserted',
  'data.rows-touched',
  'data.values-changed',
  'data.values-filled',
  'data.values-moved',
  'data.column-lost',
])

/** What the ledger found, as findings and the check `data.ledger`. Pure. */
function compareRows(ledger: Ledger): { readonly findings: readonly Finding[]; readonly check: Check } {
  const findings = ledgerFindings(ledger)
  const { tables, dropped, created } = ledger
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const numbers = {
    tablesCompared: tables.length + dropped.length,
    tablesEqual: tables.filter((table) => table.equal).length,
    rowsCompared: sum([...tables.map((table) => table.rows.before), ...dropped.map((table) => table.rows.count)]),
    rowsDeleted: sum([...tables.map((table) => table.deleted.count), ...dropped.map((table) => table.rows.count)]),
    rowsInserted: sum([...tables.map((table) => table.inserted.count), ...created.map((table) => table.rows.count)]),
    rowsChanged: sum(tables.map((table) => table.rowsChanged)),
    rowsTouched: sum(tables.map((table) => table.touched.count)),
    valuesLost: sum(tables.flatMap((table) => [...table.changed, ...table.lost].map((column) => column.count))),
  }
  const harm = findings.some((finding) => harmful.has(finding.kind))
  const check = {
    id: 'data.ledger',
    metric: 'data',
    title: 'Every value of every row compared',
    required: true,
  } as const
  const nothing =
    numbers.tablesCompared === 0
      ? 'The dump has no table of the app, of auth or of storage: there was nothing to compare.'
      : numbers.rowsCompared === 0
        ? `None of the ${numbers.tablesCompared} tables holds a row: there was nothing to compare. Is it a dump of the schema alone?`
        : undefined
  if (nothing !== undefined) return { findings, check: { ...check, status: 'not run', reason: nothing, numbers } }
  return {
    findings,
    check: {
      ...check,
      status: harm ? 'failed' : 'passed',
      summary:
        `${count(numbers.rowsCompared)} rows of ${numbers.tablesCompared} tables compared: ${count(numbers.rowsDeleted)} deleted, ` +
        `${count(numbers.rowsInserted)} added, ${count(numbers.rowsChanged)} changed, ${count(numbers.valuesLost)} values lost.`,
      numbers,
    },
  }
}

const harmful: ReadonlySet<Finding['kind']> = new Set(['data.rows-deleted', 'data.values-changed', 'data.column-lost'])
