import { availableParallelism } from 'node:os'
import type { Connection, Database } from '../../database/engine.ts'
import type { Differing } from '../ledger/chunks.ts'
import { reference } from '../ledger/image.ts'
import type { Side } from '../ledger/layout.ts'
import { fetchKeys } from '../ledger/narrow.ts'
import { compareKeys } from '../ledger/outcome.ts'
import { keysKept } from '../ledger/rows.ts'
import { scanTable } from '../ledger/scan.ts'
import { eachWithPair, type SessionPair } from '../ledger/session.ts'
import type { LedgerOptions } from '../ledger/take.ts'
import { takeCatalogs } from '../ledger/take.ts'
import { type DatePair, type DateTable, isOfDay, planDates } from './columns.ts'
import { type MomentRow, mergeRows } from './merge.ts'
import { movementOf } from './movement.ts'
import { type NamedOrder, type Order, ordersOf, takeOrders } from './orders.ts'
import { type Reading, readingOf } from './reading.ts'
import { type ColumnTally, count, newTally } from './tally.ts'
import { totals } from './totals.ts'

/** What was seen of all dates and times: complete, compared, and without a value. */
export type DateFacts = { readonly zone: string; readonly tables: readonly DateTableFacts[] }

export type DateTableFacts = {
  readonly table: DateTable
  readonly rows: Readonly<Record<Side, number>>
  /** Rows with a difference that nothing names on the other side: they are gone, or new, or their key is another. */
  readonly unpaired: Readonly<Record<Side, number>>
  readonly columns: readonly DateColumnFacts[]
  /** Values that JavaScript reads as no date: infinity, BC, beyond the year 9999. */
  readonly unreadable: Readonly<Record<Side, number>>
  readonly orders: readonly Order[]
}

export type DateColumnFacts = {
  readonly pair: DatePair
  /** Rows of before that have a value, counted where one moved. */
  readonly values: number
  readonly tally: ColumnTally
  readonly keys: readonly (readonly string[])[]
}

export type DateOptions = LedgerOptions & {
  /** Zone in which the Data API of before tells and takes times that have none. Default: UTC, the platform's. */
  readonly zone?: string | undefined
  readonly orders?: readonly NamedOrder[] | undefined
}

/**
 * Reads every date and time of every row on both sides and tells how it moved. Reads only. Throws `aborted`, and what
 * Postgres says when a table cannot be read.
 */
export async function takeDates(before: Database, after: Database, options: DateOptions = {}): Promise<DateFacts> {
  const catalogs = await takeCatalogs(before, after, options.signal)
  const zone = options.zone ?? 'UTC'
  const found: DateTableFacts[] = []
  const work = planDates(catalogs.before, catalogs.after)
  let done = 0
  const pairs = options.jobs ?? Math.max(1, Math.floor(availableParallelism() / 2))
  await eachWithPair(before, after, work, { pairs, signal: options.signal }, async (sessions, table) => {
    const readings = {
      before: readingOf(table, 'before', catalogs.before.server, zone),
      after: readingOf(table, 'after', catalogs.after.server, zone),
    }
    found.push(await takeTable(sessions, table, readings, options.orders ?? []))
    options.onProgress?.({ done: ++done, of: work.length, table: table.pair.before.object })
  })
  const byName = (left: DateTableFacts, right: DateTableFacts) =>
    left.table.pair.before.object < right.table.pair.before.object ? -1 : 1
  return { zone, tables: found.sort(byName) }
}

async function takeTable(
  sessions: SessionPair,
  table: DateTable,
  readings: Readonly<Record<Side, Reading>>,
  named: readonly NamedOrder[],
): Promise<DateTableFacts> {
  const { pair } = table
  const scan = await scanTable(sessions, pair, readings)
  const tallies = table.columns.map(() => newTally())
  const unpaired = { before: 0, after: 0 }
  if (!scan.equal) {
    const wraps = table.columns.map(({ reads }) => reads.before !== 'text' && isOfDay(reads.before.base))
    const compare = (before: MomentRow, after: MomentRow) => {
      for (const [index, tally] of tallies.entries()) {
        const left = before.moments[index]
        const right = after.moments[index]
        if (left == null || right == null || left === right) continue
        count(tally, movementOf(left, right, wraps[index] ?? false), before.hash)
      }
    }
    await mergeRows(sessions, readings, scan.differing, compare, unpaired)
  }
  const columns = await namedColumns(sessions, table, readings, scan.differing, tallies)
  const orders = await takeOrders(sessions, table, ordersOf(table, named))
  const [was, is] = await Promise.all([
    unreadable(sessions.before, table, 'before'),
    unreadable(sessions.after, table, 'after'),
  ])
  return { table, rows: scan.rows, unpaired, columns, orders, unreadable: { before: was, after: is } }
}

/** The tallies of columns where something moved, with the keys of the first rows and the number of all values. */
async function namedColumns(
  { before }: SessionPair,
  table: DateTable,
  readings: Readonly<Record<Side, Reading>>,
  differing: Readonly<Record<Side, Differing>>,
  tallies: readonly ColumnTally[],
): Promise<readonly DateColumnFacts[]> {
  const moved = table.columns.flatMap((pair, index) => {
    const tally = tallies[index]
    return tally === undefined || tally.hashes.length === 0 ? [] : [{ pair, tally }]
  })
  if (moved.length === 0) return []
  const values = await totals(
    before,
    table,
    'before',
    moved.map(({ pair }) => `count(${reference(pair.before)})`),
  )
  const texts = new Map(moved.flatMap(({ tally }) => tally.hashes.map((hash) => [hash, bytesOf(hash)] as const)))
  const keys = await fetchKeys(before, table.pair, readings, 'before', differing.before, new Set(texts.values()))
  return moved.map(({ pair, tally }, index) => ({
    pair,
    tally,
    values: values[index] ?? 0,
    keys: tally.hashes
      .flatMap((hash) => keys.get(texts.get(hash) ?? '') ?? [])
      .sort(compareKeys)
      .slice(0, keysKept),
  }))
}

function bytesOf(hash: bigint): string {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(hash)
  return buffer.toString('latin1')
}

async function unreadable(connection: Connection, table: DateTable, side: Side): Promise<number> {
  const outOfReach = table.columns.flatMap((column) => {
    const moment = column.reads[side]
    if (moment === 'text' || moment.shape !== 'single' || isOfDay(moment.base)) return []
    const value = reference(column[side])
    return [`count(*) FILTER (WHERE ${value} >= '10000-01-01' OR ${value} < '0001-01-01')`]
  })
  const counts = await totals(connection, table, side, outOfReach)
  return counts.reduce((sum, one) => sum + one, 0)
}
