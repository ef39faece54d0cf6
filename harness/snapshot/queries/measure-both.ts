import type { Connection } from '../../database/engine.ts'
import type { Identity } from '../identities.ts'
import {
  type DonePair,
  type DoneRun,
  interleave,
  repetitions,
  repetitionsToConfirm,
  type Sent,
  timesOf,
} from './confirm.ts'
import { type Measured, slower } from './judge.ts'
import { nodesOf, type PlanNode, run } from './measure.ts'
import type { Query } from './workload.ts'

/** A query that takes longer than this is timed again only when its first run on after looks slower. */
const cheapMilliseconds = 4

/** One query on both sides, within the transactions that impersonate its sender. */
export async function measure(
  old: Connection,
  now: Connection,
  query: Query,
  identity: Identity,
  seed: number,
): Promise<Measured> {
  // The first run of a shape on a session also reads catalogues and plans of functions, so it is not the one that counts.
  const [before, after] = await Promise.all([run(old, query.sql), run(now, query.sql)])
  const { relation, shape, origin, text } = query
  const named = {
    relation,
    shape,
    by: identity.label,
    role: identity.role,
    ...(origin === undefined ? {} : { origin }),
    ...(text === undefined ? {} : { text }),
  }
  if (before.state !== 'done' || after.state !== 'done') return { ...named, before, after, times: [] }
  const cheap = Math.max(before.milliseconds, after.milliseconds) < cheapMilliseconds
  const looksSlower = after.milliseconds > before.milliseconds * 1.2 + 0.5
  const pairs: DonePair[] = []
  if (cheap || looksSlower || after.blocks > before.blocks) {
    await interleave(old, now, query.sql, pairs, cheap ? repetitions : 1)
    if (!cheap && pairs.some((pair) => pair.after.milliseconds > pair.before.milliseconds * 1.2)) {
      await interleave(old, now, query.sql, pairs, repetitions)
    }
  }
  const result = (): Measured => ({
    ...named,
    before: leastBlocks([before, ...pairs.map((pair) => pair.before)]),
    after: leastBlocks([after, ...pairs.map((pair) => pair.after)]),
    times: timesOf(pairs),
  })
  if (slower(result(), seed)) await interleave(old, now, query.sql, pairs, repetitionsToConfirm)
  return result()
}

function leastBlocks(runs: readonly [DoneRun, ...DoneRun[]]): DoneRun {
  return runs.reduce((least, one) => (one.blocks < least.blocks ? one : least))
}

/**
 * Names of the indexes that these queries would use on larger tables: to find rows, where reading a whole table is no
 * choice, or for their order, where sorting is none. Only planned, not run.
 */
export async function wouldUse(session: Connection, sent: readonly Sent[]): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const bySender = Map.groupBy(sent, ({ setUp }) => setUp)
  for (const [setUp, own] of bySender) {
    for (const choice of ['enable_seqscan', 'enable_sort']) {
      await session.query(`begin read only; ${setUp}; set local ${choice} = off`)
      try {
        for (const { query } of own.filter(({ measured }) => measured.after.state === 'done')) {
          const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
            `explain (format json) ${query.sql}`,
          )
          const plan = rows[0]?.['QUERY PLAN'][0].Plan
          // Without other choices any index will do to read the whole table.
          for (const node of plan ? nodesOf(plan) : []) {
            const name = node['Index Name']
            if (name !== undefined && (choice === 'enable_sort' || node['Index Cond'] !== undefined)) names.add(name)
          }
        }
      } finally {
        await session.query('rollback')
      }
    }
  }
  return names
}
