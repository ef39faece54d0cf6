import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Check } from '../../model/check.ts'
import type { QueryConfig } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import { relationSql } from '../access/exposed.ts'
import { impersonate } from '../access/impersonate.ts'
import type { Identity } from '../identities.ts'
import {
  confirmSlower,
  type DonePair,
  type DoneRun,
  interleave,
  repetitions,
  repetitionsToConfirm,
  type Sent,
  sessionSettings,
  timesOf,
} from './confirm.ts'
import { asPage, calls, readFunctions } from './functions.ts'
import { judge, type Measured, slower } from './judge.ts'
import { run } from './measure.ts'
import { type Query, readableRelations, workload } from './workload.ts'

export type CompareQueriesOptions = {
  readonly signal?: AbortSignal
  /** Seed of the bootstrap. */
  readonly seed: number
  /** Queries of the config: sent besides those of every table. */
  readonly queries?: readonly QueryConfig[]
  /** Limit for one query, in milliseconds. Default: 5,000. */
  readonly queryTimeout?: number
}

/** A query that takes longer than this is timed again only when its first run on after looks slower. */
const cheapMilliseconds = 4

/**
 * Reads every exposed table on both sides as PostgREST would for two real users and service_role, and compares blocks
 * touched and, interleaved, times. Takes clones: both are vacuumed and analysed first, so that statistics and dead rows
 * are equal causes on both sides. The reads of whole tables are shared between the users, since policies make them dear.
 * Throws `database.failed`, `aborted`.
 */
export async function compareQueries(
  before: Database,
  after: Database,
  identities: readonly Identity[],
  { signal, seed, queries: configured = [], queryTimeout = 5_000 }: CompareQueriesOptions,
): Promise<{ findings: Finding[]; checks: Check[] }> {
  await using old = await before.connect()
  await using now = await after.connect()
  const relations = await readableRelations(old, now)
  const tables = relations.filter(({ kind }) => kind === 'table').map(relationSql)
  await Promise.all(
    [old, now].map(async (session) => {
      if (tables.length > 0) await session.query(`vacuum (analyze) ${tables.join(', ')}`)
      await session.query(sessionSettings(queryTimeout))
    }),
  )
  const measured: Sent[] = []
  const senders = await sendersOf(
    identities,
    [old, now],
    configured.some(({ as }) => as === 'anon'),
  )
  const functions = await readFunctions(before, after, senders)
  for (const [index, identity] of senders.entries()) {
    const whole =
      identity.userId === undefined
        ? (['newest', 'count'] as const)
        : index % 2 === 0
          ? (['newest'] as const)
          : (['count'] as const)
    const queries = [
      ...(await workload(old, relations, identity, whole)),
      ...calls(functions, identity),
      ...ofConfig(configured, identity, senders),
    ]
    await Promise.all(
      [old, now].map((session) => session.query(`begin read only; ${impersonate(identity)}; savepoint query`)),
    )
    try {
      for (const query of queries) {
        throwIfAborted(signal, `measuring the reads of ${query.relation}`)
        measured.push({ query, identity, measured: await measure(old, now, query, identity, seed) })
      }
    } finally {
      await Promise.all([old.query('rollback'), now.query('rollback')])
    }
  }
  const named = new Map(relations.filter(({ kind }) => kind === 'table').map((one) => [one.name, relationSql(one)]))
  const confirmed = await confirmSlower(before, after, measured, named, { timeout: queryTimeout, seed, signal })
  return judge(confirmed, seed)
}

/** The queries of the config that this identity sends: the first user, service_role, or anon. */
function ofConfig(queries: readonly QueryConfig[], identity: Identity, senders: readonly Identity[]): Query[] {
  const isFirstUser = identity === senders.find(({ userId }) => userId !== undefined)
  return queries
    .filter(({ as = 'user' }) =>
      as === 'user' ? isFirstUser : identity.role === (as === 'service' ? 'service_role' : 'anon'),
    )
    .map(({ name, sql }) => ({
      relation: name,
      shape: 'its SQL',
      sql: asPage(sql.replace(/;\s*$/, '')),
      configured: true,
    }))
}

/** Two users who can log in, and service_role (and anon, where it sends something) last; of roles that both sides have. */
async function sendersOf(
  identities: readonly Identity[],
  sides: readonly Connection[],
  withAnon: boolean,
): Promise<Identity[]> {
  const roles = await Promise.all(
    sides.map(async (session) => {
      const { rows } = await session.query<{ rolname: string }>('select rolname from pg_roles')
      return new Set(rows.map(({ rolname }) => rolname))
    }),
  )
  const possible = identities.filter(({ role }) => roles.every((side) => side.has(role)))
  const users = possible.filter(({ userId }) => userId !== undefined)
  const usual = users.filter(({ label }) => /(^|, )confirmed$/.test(label))
  const chosen = [...usual, ...users.filter((user) => !usual.includes(user))].slice(0, 2)
  const others = possible.filter(({ role, userId }) => userId === undefined && (role === 'service_role' || withAnon))
  return [...chosen, ...others]
}

async function measure(
  old: Connection,
  now: Connection,
  query: Query,
  identity: Identity,
  seed: number,
): Promise<Measured> {
  // The first run of a shape on a session also reads catalogues and plans of functions, so it is not the one that counts.
  const [before, after] = await Promise.all([run(old, query.sql), run(now, query.sql)])
  const configured = query.configured === true ? { configured: true } : {}
  const named = { relation: query.relation, shape: query.shape, by: identity.label, ...configured }
  if (before.state !== 'done' || after.state !== 'done') return { ...named, before, after, times: [] }
  const cheap = Math.max(before.milliseconds, after.milliseconds) < cheapMilliseconds
  const looksSlower = after.milliseconds > before.milliseconds * 1.2 + 0.5
  const pairs: DonePair[] = []
  if (cheap || looksSlower || after.blocks > before.blocks) {
    await interleave(old, now, query, pairs, cheap ? repetitions : 1)
    if (!cheap && pairs.some((pair) => pair.after.milliseconds > pair.before.milliseconds * 1.2)) {
      await interleave(old, now, query, pairs, repetitions)
    }
  }
  const result = (): Measured => ({
    ...named,
    before: leastBlocks([before, ...pairs.map((pair) => pair.before)]),
    after: leastBlocks([after, ...pairs.map((pair) => pair.after)]),
    times: timesOf(pairs),
  })
  if (slower(result(), seed)) await interleave(old, now, query, pairs, repetitionsToConfirm)
  return result()
}

function leastBlocks(runs: readonly [DoneRun, ...DoneRun[]]): DoneRun {
  return runs.reduce((least, one) => (one.blocks < least.blocks ? one : least))
}
