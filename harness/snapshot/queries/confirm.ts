import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import { mostBytesToRewrite } from '../storage/rewrite.ts'
import { type Measured, slower } from './judge.ts'
import { type Run, run } from './measure.ts'
import { median, onEqualCores, type Pair } from './statistics.ts'
import type { Query } from './workload.ts'

/** Pairs of times for a query; more where the first ones look slower. */
export const repetitions = 5
export const repetitionsToConfirm = 15
/** All must agree: as many times as chance alone would have to put the same side on the slower core. */
const roundsToConfirm = 6
/** Work that is the same on both sides: what it takes tells the speed of the cores that the two servers' processes run on. */
const sameWork = 'select count(*) from generate_series(1, 8000) n where n % 7 = 0'
/** Pairs that take longer are repeated less often. */
const longPairMilliseconds = 200

/** `setUp`: SQL that makes an open transaction one of the sender. */
export type Sent = { readonly query: Query; readonly setUp: string; readonly measured: Measured }

type Rounds = { readonly timeout: number; readonly seed: number; readonly signal: AbortSignal | undefined }

/**
 * Times again what looks slower. What stays slower is asked once more after its table was written anew on both sides:
 * columns that were added with a default are filled in at every read of a row that is older, and updated rows leave room
 * behind, both until the rows are rewritten. `tables`: the relations that are tables, name to quoted name.
 */
export async function confirmSlower(
  before: Database,
  after: Database,
  all: readonly Sent[],
  tables: ReadonlyMap<string, string>,
  rounds: Rounds,
): Promise<Measured[]> {
  const confirmed: Measured[] = []
  const rewritten = new Map<string, Promise<boolean>>()
  const slow: { readonly sent: Sent; readonly at: number; readonly table: string }[] = []
  for (const sent of all) {
    const { relation } = sent.query
    const timed = slower(sent.measured, rounds.seed) ? await confirm(before, after, sent, rounds) : sent.measured
    const table = tables.get(relation)
    if (table !== undefined && slower(timed, rounds.seed)) slow.push({ sent, at: confirmed.length, table })
    confirmed.push(timed)
  }
  for (const { sent, at, table } of slow) {
    const timed = confirmed[at]
    if (!rewritten.has(table)) rewritten.set(table, rewrite([before, after], table))
    if (timed === undefined || !(await rewritten.get(table))) continue
    const { times } = await confirm(before, after, sent, rounds)
    confirmed[at] = { ...timed, rewritten: times }
  }
  return confirmed
}

/** False where the table is too large for it. */
async function rewrite(sides: readonly Database[], table: string): Promise<boolean> {
  for (const side of sides) {
    await using session = await side.connect()
    const { rows } = await session.query<{ bytes: string }>('select pg_table_size($1::regclass) as bytes', [table])
    if (Number(rows[0]?.bytes) > mostBytesToRewrite) return false
    await session.query(`vacuum (full, analyze) ${table}`)
  }
  return true
}

/**
 * Times a query again in rounds, each on sessions of its own, the side that connects first changing from round to round.
 * A server process may share its core with another job for a while, which slows one side of every pair: between the pairs
 * both sides do the same work, and what that takes is allowed for. Nor does it stay with the same side over new processes,
 * so a query is slower only when every round says so. The first round that does not ends it, and its times count.
 */
async function confirm(
  before: Database,
  after: Database,
  { query, setUp, measured }: Sent,
  { timeout, seed, signal }: Rounds,
): Promise<Measured> {
  const pairTakes = median(measured.times.map((pair) => pair.before + pair.after))
  const wanted = pairTakes > longPairMilliseconds ? repetitions : repetitionsToConfirm
  let timed = measured
  for (let round = 0; round < roundsToConfirm; round += 1) {
    throwIfAborted(signal, `measuring the reads of ${query.relation}`)
    await using first = await (round % 2 === 0 ? after : before).connect()
    await using second = await (round % 2 === 0 ? before : after).connect()
    const [now, old] = round % 2 === 0 ? [first, second] : [second, first]
    const pairs: DonePair[] = []
    const same: DonePair[] = []
    for (const session of [old, now]) {
      await session.query(sessionSettings(timeout))
      await session.query(`begin read only; ${setUp}; savepoint query`)
      await run(session, query.sql)
    }
    while (pairs.length < wanted) {
      const done = pairs.length
      await interleave(old, now, query.sql, pairs, done + 1)
      await interleave(old, now, sameWork, same, done + 1)
      if (pairs.length === done) break
    }
    timed = { ...measured, times: onEqualCores(timesOf(pairs), timesOf(same)) }
    if (!slower(timed, seed)) break
  }
  return timed
}

export function sessionSettings(timeout: number): string {
  return `set jit = off; set max_parallel_workers_per_gather = 0; set statement_timeout = ${timeout}`
}

export function timesOf(pairs: readonly DonePair[]): Pair[] {
  return pairs.map(({ before, after }) => ({ before: before.milliseconds, after: after.milliseconds }))
}

export type DoneRun = Extract<Run, { state: 'done' }>
export type DonePair = { readonly before: DoneRun; readonly after: DoneRun }

/** Adds pairs until there are `wanted`: one side after the other, the side that goes first changing each time. */
export async function interleave(
  old: Connection,
  now: Connection,
  sql: string,
  pairs: DonePair[],
  wanted: number,
): Promise<void> {
  while (pairs.length < wanted) {
    const oldFirst = pairs.length % 2 === 0
    const one = await run(oldFirst ? old : now, sql)
    const two = await run(oldFirst ? now : old, sql)
    const [before, after] = oldFirst ? [one, two] : [two, one]
    if (before.state !== 'done' || after.state !== 'done') return
    pairs.push({ before, after })
  }
}
