import { availableParallelism } from 'node:os'
import type { Connection, Database } from '../../database/engine.ts'
import type { DeclaredMove } from '../../model/declared-move.ts'
import { type LedgerCatalog, type LedgerTable, takeCatalog } from './catalog.ts'
import { type Differing, everyChunk, selectRows } from './chunks.ts'
import { type ElsewhereRows, followMove } from './declared-moves.ts'
import { layoutOf, planLedger, type RowLayout, type Side, type TablePair } from './layout.ts'
import { fetchKeys, narrow, varies } from './narrow.ts'
import { compareKeys, type Ledger, noRows, type Rows, type TableOutcome, type WholeTable } from './outcome.ts'
import { noChunks, sameChunks } from './pages.ts'
import { keysKept, type Move, type RowComparison, type Tally } from './rows.ts'
import { pagesPerChunkOf, scanTable } from './scan.ts'
import { eachWithPair, type KeptPairs, openPair, openSession, type SessionPair } from './session.ts'
import { whileSteady } from './steady.ts'

export type LedgerOptions = {
  readonly signal?: AbortSignal | undefined
  /** Called after each table. `of` is the number of tables of both sides. */
  readonly onProgress?:
    | ((progress: { readonly done: number; readonly of: number; readonly table: string }) => void)
    | undefined
  /** Tables compared at the same time, each by one session on each side. Default: half the cores, at least one. */
  readonly jobs?: number | undefined
  /** Where the migrations say that values of columns go which they drop. */
  readonly moves?: readonly DeclaredMove[] | undefined
  /** How long a table may be written to before the comparison gives up, in milliseconds. Default: 10,000. */
  readonly lockTimeout?: number | undefined
  /** From how many pages on a table is compared by its pages first, which costs a checkpoint. Default: 1024. */
  readonly pagesFrom?: number | undefined
  /** Only these tables, by the name that findings give them. Default: all. */
  readonly only?: ReadonlySet<string> | undefined
  /** Sessions of the two databases that are kept from one step to the next. */
  readonly kept?: KeptPairs | undefined
}

/**
 * Compares every row of every table of two databases on one server, by hashes made in the server. Throws `aborted`,
 * `database.changing` when somebody writes to a table meanwhile, and what Postgres says when one cannot be read.
 */
export async function takeLedger(
  before: Database,
  after: Database,
  catalogs: Readonly<Record<Side, LedgerCatalog>>,
  options: LedgerOptions = {},
): Promise<Ledger> {
  const plan = planLedger(catalogs.before, catalogs.after)
  const isWanted = (table: LedgerTable) => options.only?.has(table.object) ?? true
  const lockTimeout = options.lockTimeout ?? 10_000
  const targets = new Map(catalogs.after.tables.map((table) => [table.object, table]))
  const pagesFrom = options.pagesFrom ?? 1024
  const follow = { server: catalogs.before.server, moves: options.moves ?? [], targets, pagesFrom }
  const tables: TableOutcome[] = []
  const dropped: WholeTable[] = []
  const created: WholeTable[] = []
  const bySize = plan.pairs.toSorted((left, right) => pages(right.before) - pages(left.before))
  const work: { readonly table: string; run: (pair: SessionPair) => Promise<void> }[] = [
    ...bySize
      .filter(({ before: table }) => isWanted(table))
      .map((pair) => ({
        table: pair.before.object,
        run: async (sessions: SessionPair) =>
          void tables.push(
            await whileSteady(sessions.before, pair.before, lockTimeout, () =>
              whileSteady(sessions.after, pair.after, lockTimeout, () => comparePair(sessions, pair, follow)),
            ),
          ),
      })),
    ...plan.dropped.filter(isWanted).map((table) => ({
      table: table.object,
      run: async ({ before }: SessionPair) =>
        void dropped.push({
          table,
          rows: await whileSteady(before, table, lockTimeout, () => wholeTable(before, table)),
        }),
    })),
    ...plan.created.filter(isWanted).map((table) => ({
      table: table.object,
      run: async ({ after }: SessionPair) =>
        void created.push({
          table,
          rows: await whileSteady(after, table, lockTimeout, () => wholeTable(after, table)),
        }),
    })),
  ]
  let done = 0
  const pairs = options.jobs ?? Math.max(1, Math.floor(availableParallelism() / 2))
  await eachWithPair(
    before,
    after,
    work,
    { pairs, signal: options.signal, kept: options.kept },
    async (sessions, item) => {
      await item.run(sessions)
      options.onProgress?.({ done: ++done, of: work.length, table: item.table })
    },
  )
  const byName = (left: WholeTable, right: WholeTable) => (left.table.object < right.table.object ? -1 : 1)
  return {
    tables: tables.sort((left, right) => (left.pair.before.object < right.pair.before.object ? -1 : 1)),
    dropped: dropped.sort(byName),
    created: created.sort(byName),
  }
}

export async function takeCatalogs(
  before: Database,
  after: Database,
  signal: AbortSignal | undefined,
  kept?: KeptPairs,
): Promise<Readonly<Record<Side, LedgerCatalog>>> {
  await using sessions = await openPair(before, after, signal, kept)
  const [left, right] = await Promise.all([takeCatalog(sessions.before), takeCatalog(sessions.after)])
  return { before: left, after: right }
}

/** The catalogue of one database, for what compares it with several others. */
export async function takeCatalogOf(database: Database, signal: AbortSignal | undefined): Promise<LedgerCatalog> {
  await using session = await openSession(database, signal)
  return await takeCatalog(session)
}

type Following = {
  readonly server: number
  readonly moves: readonly DeclaredMove[]
  readonly targets: ReadonlyMap<string, LedgerTable>
  readonly pagesFrom: number
}

async function comparePair(
  sessions: SessionPair,
  pair: TablePair,
  { server, moves, targets, pagesFrom }: Following,
): Promise<TableOutcome> {
  const layout = layoutOf(pair, server)
  const large = pages(pair.before) >= pagesFrom
  const same = large ? await sameChunks(sessions, pair, pagesPerChunkOf(pair)) : noChunks
  const scan = await scanTable(sessions, pair, layout, same)
  // Rows that are equal in the columns left still lose what was in a column that is gone.
  const whole = pair.dropped.length > 0 && scan.rows.before > 0
  const differing = whole
    ? { before: everyChunk(pair.before, scan.rows.before), after: everyChunk(pair.after, scan.rows.after) }
    : scan.differing
  if (scan.equal && !whole) return { ...unchanged, pair, rows: scan.rows }
  const comparison = (await narrow(sessions, layout, differing)).finish()
  for (const move of [...comparison.moves.values()]) {
    if (!(await proven(sessions, pair, move))) comparison.disprove(move)
  }
  const outcome = await named(sessions, pair, layout, differing, comparison)
  const touchedNothing =
    outcome.rowsChanged + outcome.deleted.count + outcome.inserted.count + outcome.touched.count === 0
  if (!scan.equal && touchedNothing && !sameContent(scan.differing)) {
    throw new Error(`The hashes of ${pair.before.object} differ, but no row does: the ledger contradicts itself.`)
  }
  const elsewhere: ElsewhereRows[] = []
  for (const move of moves.filter(({ from }) => from.table === pair.before.object)) {
    // What went to another column of its row is no part of what the declaration speaks of.
    if (!outcome.lost.some(({ column }) => column === move.from.column)) continue
    if (outcome.moved.some(({ column }) => column === move.from.column)) continue
    const followed = await followMove(sessions, pair, targets.get(move.to.table), move, server)
    if (followed) elsewhere.push(followed)
  }
  return {
    ...outcome,
    lost: outcome.lost.flatMap((lost) => {
      const followed = elsewhere.find(({ column }) => column === lost.column)
      return followed === undefined
        ? [lost]
        : followed.missing.count > 0
          ? [{ column: lost.column, ...followed.missing }]
          : []
    }),
    elsewhere,
    pair,
    rows: scan.rows,
    equal: touchedNothing && outcome.lost.length + outcome.moved.length === 0,
  }
}

/**
 * Whether values went where they were found. Two different values in the right rows are no coincidence; a single one may be:
 * a column added with a default holds that value in every row. It is proof when the columns hold one and the same value
 * throughout, so that nothing could get lost.
 */
async function proven({ before, after }: SessionPair, pair: TablePair, move: Move): Promise<boolean> {
  if (move.distinct.size > 1) return true
  if (!move.bool && (!move.toAdded || (await varies(after, pair.after, move.to)))) return true
  return (!move.bool || move.dropped) && !(await varies(before, pair.before, move.from))
}

/** Rows that only lie elsewhere (a rewritten table) differ by chunk and by nothing else. */
const sameContent = (differing: Readonly<Record<Side, Differing>>) => differing.before.rows === differing.after.rows

const unchanged: Omit<TableOutcome, 'pair' | 'rows'> = {
  equal: true,
  deleted: noRows,
  inserted: noRows,
  touched: { ...noRows, columns: [] },
  rowsChanged: 0,
  changed: [],
  swapped: [],
  filled: [],
  lost: [],
  moved: [],
  elsewhere: [],
}

/** Turns tallies of key hashes into keys: one look at each side, whatever the number of tallies. */
async function named(
  sessions: SessionPair,
  pair: TablePair,
  layout: RowLayout,
  differing: Readonly<Record<Side, Differing>>,
  found: RowComparison,
): Promise<Omit<TableOutcome, 'pair' | 'rows' | 'equal' | 'elsewhere'>> {
  const hashes = (tallies: Iterable<Tally>) => new Set([...tallies].flatMap((tally) => tally.hashes))
  const moves = [...found.moves.values()]
  const [before, after] = await Promise.all([
    fetchKeys(
      sessions.before,
      pair,
      layout,
      'before',
      differing.before,
      hashes([found.deleted, ...found.changed.values(), ...found.swapped.values(), ...found.lost.values()]),
    ),
    fetchKeys(
      sessions.after,
      pair,
      layout,
      'after',
      differing.after,
      hashes([found.inserted, found.touched, ...found.filled.values(), ...moves.map((move) => move.tally)]),
    ),
  ])
  const rows = (tally: Tally, keys: typeof before): Rows => ({
    count: tally.count,
    keys: tally.hashes
      .flatMap((hash) => keys.get(hash) ?? [])
      .sort(compareKeys)
      .slice(0, keysKept),
  })
  const columns = (tallies: ReadonlyMap<string, Tally>, keys: typeof before) =>
    [...tallies].map(([column, tally]) => ({ column, ...rows(tally, keys) })).sort(byColumn)
  return {
    deleted: rows(found.deleted, before),
    inserted: rows(found.inserted, after),
    touched: { ...rows(found.touched, after), columns: [...found.touchedColumns].sort() },
    rowsChanged: found.rowsChanged.count,
    changed: columns(found.changed, before),
    swapped: columns(found.swapped, before),
    filled: columns(found.filled, after),
    lost: columns(found.lost, before),
    moved: moves.map((move) => ({ column: move.from, to: move.to, ...rows(move.tally, after) })).sort(byColumn),
  }
}

const byColumn = (left: { column: string; to?: string }, right: { column: string; to?: string }) =>
  left.column === right.column ? ((left.to ?? '') < (right.to ?? '') ? -1 : 1) : left.column < right.column ? -1 : 1

async function wholeTable(connection: Connection, table: LedgerTable): Promise<Rows> {
  const everything = everyChunk(table, 0)
  if (everything.heaps.length === 0) return noRows
  const [key] = table.keys
  const counted = await connection.query<{ count: number }>(
    `SELECT count(*)::float8 AS count FROM (${selectRows(everything, 'true')}) AS ledger_rows`,
  )
  const count = counted.rows[0]?.count ?? 0
  if (!key || count === 0) return { count, keys: [] }
  const columns = key.map((name) => `ledger_row."${name.replaceAll('"', '""')}"`)
  const listed = await connection.query<{ key: string[] }>(
    `SELECT key FROM (${selectRows(everything, `ARRAY[${columns.map((column) => `${column}::text`).join(', ')}] AS key`)}) AS ledger_keys LIMIT ${keysKept}`,
  )
  return { count, keys: listed.rows.map((row) => row.key).sort(compareKeys) }
}

const pages = (table: LedgerTable) => table.heaps.reduce((sum, heap) => sum + heap.pages, 0)
