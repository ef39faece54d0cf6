import type { Database } from '../database/engine.ts'
import type { MigrationFile, MigrationRun } from '../model/migration-run.ts'
import { applyMigrations } from './apply.ts'
import { type Canary, type CanaryLog, type Span, startCanary } from './canary.ts'
import { type CanaryTable, canaryTables } from './canary-tables.ts'
import { blocksReads, blocksWrites, strength } from './lock-modes.ts'
import { compareText } from './order.ts'
import { plainSql } from './statement-kind.ts'
import type { LockInterval } from './trace.ts'

export type TrafficOptions = {
  readonly signal?: AbortSignal | undefined
  /** Names of the tables that are asked, the most important first. */
  readonly tables: readonly string[]
  /** Whether the history is written. */
  readonly record: boolean
  /** Awaited before each file, while no request is under way. */
  readonly beforeFile?: (file: MigrationFile) => Promise<void>
}

/** What users of one table would have felt. */
export type TableTraffic = {
  readonly table: string
  readonly requests: number
  readonly longestMs: number
  readonly p99Ms: number
  readonly errors: number
  /** The longest time in which reads, and writes, did not get through. */
  readonly blocks: readonly TrafficBlock[]
  /** Requests failed from then on to the end. */
  readonly goneWith?: string
}

export type TrafficBlock = {
  readonly what: 'reads' | 'writes'
  readonly milliseconds: number
  readonly failedWith?: string
  /** The statement that took the lock, or ran when it began. */
  readonly cause?: { readonly migration: string; readonly line: number }
}

export type TrafficRun = {
  readonly tables: readonly TableTraffic[]
  /** Files that ask for locks without waiting: no request was sent while they ran. */
  readonly quiet: readonly string[]
  readonly run: MigrationRun
}

type Cause = LockInterval & { readonly migration: string }

/** Applies the migrations to a clone while readers and writers use the tables, and tells how long each had to wait. */
export async function runUnderTraffic(
  database: Database,
  pending: readonly MigrationFile[],
  { signal, tables: names, record, beforeFile }: TrafficOptions,
): Promise<TrafficRun> {
  const tables = await canaryTables(database, names)
  const interval = Math.max(20, tables.length * 10)
  const clients: { readonly table: CanaryTable; readonly what: 'reads' | 'writes'; readonly canary: Canary }[] = []
  const logs: CanaryLog[] = []
  const causes: Cause[] = []
  const quiet = pending.filter(asksWithoutWaiting)
  let run: MigrationRun | undefined
  try {
    const wanted = tables.flatMap((table) =>
      (['reads', 'writes'] as const).filter((what) => table[what].length > 0).map((what) => ({ table, what })),
    )
    const started = await Promise.allSettled(
      wanted.map(async ({ table, what }) => {
        const options = { requests: table[what], writes: what === 'writes', interval }
        clients.push({ table, what, canary: await startCanary(database, options) })
      }),
    )
    // Only once all have started or failed: what has started is stopped below.
    for (const start of started) if (start.status === 'rejected') throw start.reason
    run = await applyMigrations(database, pending, {
      signal,
      record,
      trace: true,
      async beforeFile(file) {
        await Promise.all(clients.map(({ canary }) => canary.pause()))
        await beforeFile?.(file)
        if (!quiet.includes(file)) for (const { canary } of clients) canary.resume()
      },
      onLocks: (locks, { name }) => causes.push(...locks.map((lock) => ({ ...lock, migration: name }))),
    })
  } finally {
    logs.push(...(await Promise.all(clients.map(({ canary }) => canary.stop()))))
  }
  return {
    run,
    quiet: quiet.map(({ name }) => name),
    tables: tables.map((table) => {
      const own = clients.flatMap(({ table: of, what }, at) => {
        const log = logs[at]
        return of === table && log ? [{ what, log }] : []
      })
      own.sort((one, other) => compareText(one.what, other.what))
      return summarise(table.name, own, causes, interval)
    }),
  }
}

/** NOWAIT, SKIP LOCKED, or a lock_timeout below a second: a request at the wrong moment would change what the file does. */
function asksWithoutWaiting({ statements }: MigrationFile): boolean {
  return statements.some(({ sql }) => {
    const plain = plainSql(sql)
    if (/\bnowait\b|\bskip locked\b/.test(plain)) return true
    const limit = /\block_timeout\b\W+(?:to\W+)?'?(\d+(?:\.\d+)?) ?(us|ms|s|min|h|d)?\b/.exec(plain)
    if (!limit?.[1] || Number(limit[1]) === 0) return false
    const unit = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }[limit[2] ?? 'ms'] ?? 1
    return Number(limit[1]) * unit < 1000
  })
}

function summarise(
  table: string,
  clients: readonly { readonly what: 'reads' | 'writes'; readonly log: CanaryLog }[],
  causes: readonly Cause[],
  interval: number,
): TableTraffic {
  const blocks = clients.flatMap(({ what, log }) => {
    const all = log.spans.map((span) => blockOf(span, what, table, causes))
    const longest = all.sort((one, other) => other.milliseconds - one.milliseconds)[0]
    return longest ? [longest] : []
  })
  const spans = clients.flatMap(({ log }) => log.spans)
  const waits = [...clients.flatMap(({ log }) => log.times), ...spans.flatMap((span) => waitsIn(span, interval))]
  waits.sort((one, other) => one - other)
  const gone = clients.find(({ log }) => log.gone)?.log.gone
  return {
    table,
    requests: clients.reduce((sum, { log }) => sum + log.requests, 0),
    longestMs: Math.max(0, ...blocks.map(({ milliseconds }) => milliseconds)),
    p99Ms: waits[Math.floor(waits.length * 0.99)] ?? 0,
    errors: spans.filter(({ failedWith }) => failedWith !== undefined).length,
    blocks,
    ...(gone === undefined ? {} : { goneWith: gone.sqlstate }),
  }
}

/** Each request that would have come in a time without an answer waits for the rest of it. */
function waitsIn({ since, until }: Span, interval: number): number[] {
  return Array.from({ length: Math.ceil((until - since) / interval) }, (_, at) => until - since - at * interval)
}

/**
 * A wait is as long as its lock was held at most: what comes on top is a busy machine's. Of row locks, Postgres shows
 * the lock on the table that goes with them.
 */
function blockOf(span: Span, what: 'reads' | 'writes', table: string, causes: readonly Cause[]): TrafficBlock {
  const { since, until, failedWith } = span
  const stops = ({ mode }: Cause) =>
    what === 'reads' ? blocksReads(mode) : blocksWrites(mode) || mode === 'ROW EXCLUSIVE'
  const during = causes.filter((lock) => lock.since < until && lock.until > since)
  const lock = during
    .filter((one) => one.object === table && stops(one))
    .sort((one, other) => strength(other.mode) - strength(one.mode) || one.since - other.since)[0]
  const cause = lock ?? (failedWith === undefined ? undefined : during.find(({ object }) => object === table))
  const milliseconds =
    lock === undefined || failedWith !== undefined
      ? until - since
      : Math.min(until, lock.until) - Math.max(since, lock.since)
  return {
    what,
    milliseconds: Math.round(milliseconds),
    ...(failedWith === undefined ? {} : { failedWith }),
    ...(cause === undefined ? {} : { cause: { migration: cause.migration, line: cause.line } }),
  }
}
