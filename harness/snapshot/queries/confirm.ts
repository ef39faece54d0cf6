import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import { mostBytesToRewrite } from '../storage/rewrite.ts'
import { costlier, type Measured, slower } from './judge.ts'
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
/** Once a read of a relation is known to be slower, the others only say how much. */
const roundsForMore = 2
/** Pairs that take longer are repeated less often. */
const longPairMilliseconds = 200

/** `setUp`: SQL that makes an open transaction one of the sender. */
export type Sent = { readonly query: Query; readonly setUp: string; readonly measured: Measured }

type Rounds = { readonly timeout: number; readonly seed: number; readonly signal: AbortSignal | undefined }

/** Quoted names of tables that may be written anew: by the relation of a query, and those that take more for each row than before. */
export type Rewritable = { readonly byRelation: ReadonlyMap<string, string>; readonly loose: readonly string[] }

/**
 * Times again what looks slower. What stays slower or touches more blocks is asked once more after the tables concerned
 * were written anew on both sides: columns that were added with a default are filled in at every read of a row that is
 * older, and updated rows leave room behind, both until the rows are rewritten.
 */
export async function confirmSlower(
  before: Database,
  after: Database,
  all: readonly Sent[],
  tables: Rewritable,
  rounds: Rounds,
): Promise<Measured[]> {
  const confirmed: { readonly sent: Sent; readonly measured: Measured; readonly isSlower: boolean }[] = []
  const sure = roundsOnceSure(rounds.seed)
  for (const sent of all) {
    const measured = slower(sent.measured, rounds.seed)
      ? await sure(sent, (times) => confirm(before, after, sent, times, rounds))
      : sent.measured
    confirmed.push({ sent, measured, isSlower: slower(measured, rounds.seed) })
  }
  // Only room that is left behind costs blocks.
  const mayHeal = (measured: Measured) => tables.loose.length > 0 && costlier(measured) !== undefined
  const worse = confirmed.filter(({ measured, isSlower }) => isSlower || mayHeal(measured))
  const own = worse.flatMap(({ sent, isSlower }) => (isSlower && tables.byRelation.get(sent.query.relation)) || [])
  let rewritten = 0
  for (const table of worse.length === 0 ? [] : new Set([...own, ...tables.loose])) {
    throwIfAborted(rounds.signal, `writing ${table} anew`)
    if (await rewrite([before, after], table)) rewritten += 1
  }
  const told: Measured[] = []
  const sureAnew = roundsOnceSure(rounds.seed)
  for (const one of confirmed) {
    const { sent, measured, isSlower } = one
    if (rewritten === 0 || !worse.includes(one)) {
      told.push(measured)
      continue
    }
    const anew = isSlower ? await sureAnew(sent, (times) => confirm(before, after, sent, times, rounds)) : undefined
    const runs = await runOnBoth(before, after, sent, rounds)
    told.push({ ...measured, rewritten: { ...runs, ...(anew === undefined ? {} : { times: anew.times }) } })
  }
  return told
}

/** Confirms in all rounds until a read of the same relation is slower in each of them, then in a few. */
function roundsOnceSure(
  seed: number,
): (sent: Sent, confirmIn: (rounds: number) => Promise<Measured>) => Promise<Measured> {
  const sure = new Set<string>()
  return async ({ query: { relation } }, confirmIn) => {
    const measured = await confirmIn(sure.has(relation) ? roundsForMore : roundsToConfirm)
    if (slower(measured, seed)) sure.add(relation)
    return measured
  }
}

/** False where the table is too large for it, or not on both sides. */
async function rewrite(sides: readonly Database[], table: string): Promise<boolean> {
  for (const side of sides) {
    await using session = await side.connect()
    const { rows } = await session.query<{ bytes: string | null }>('select pg_table_size(to_regclass($1)) as bytes', [
      table,
    ])
    const bytes = rows[0]?.bytes ?? null
    if (bytes === null || Number(bytes) > mostBytesToRewrite) return false
  }
  for (const side of sides) {
    await using session = await side.connect()
    await session.query(`vacuum (full, analyze) ${table}`)
  }
  return true
}

/** One run on each side that counts, after one that reads the catalogue. */
async function runOnBoth(
  before: Database,
  after: Database,
  { query, setUp }: Sent,
  { timeout }: Rounds,
): Promise<{ before: Run; after: Run }> {
  const runs: Run[] = []
  for (const side of [before, after]) {
    await using session = await side.connect()
    await session.query(sessionSettings(timeout))
    await session.query(`begin read only; ${setUp}; savepoint query`)
    await run(session, query.sql)
    runs.push(await run(session, query.sql))
  }
  const [old, now] = runs
  if (old === undefined || now === undefined) throw new TypeError('A query has two sides.')
  return { before: old, after: now }
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
  times: number,
  { timeout, seed, signal }: Rounds,
): Promise<Measured> {
  const pairTakes = median(measured.times.map((pair) => pair.before + pair.after))
  const wanted = pairTakes > longPairMilliseconds ? repetitions : repetitionsToConfirm
  let timed = measured
  for (let round = 0; round < times; round += 1) {
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
