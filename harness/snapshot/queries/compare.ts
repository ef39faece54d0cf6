import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Check } from '../../model/check.ts'
import type { QueryConfig } from '../../model/config.ts'
import type { Finding } from '../../model/finding.ts'
import { relationSql } from '../access/exposed.ts'
import type { Identity } from '../identities.ts'
import { compareStorage, looser } from '../storage/compare.ts'
import { writeAnew } from '../storage/rewrite.ts'
import { refreshStatistics, takeStorage } from '../storage/take.ts'
import type { CapturedQuery } from './captured.ts'
import { checkOfCaptured, planCaptured } from './captured-plan.ts'
import { confirmSlower, type Sent, sessionSettings } from './confirm.ts'
import { asPage, calls, readFunctions } from './functions.ts'
import { judgeIndexUse, newIndexes, takeIndexUse } from './index-use.ts'
import { judge } from './judge.ts'
import { measure, wouldUse } from './measure-both.ts'
import { firstUser, sendersOf } from './senders.ts'
import { type Query, readableRelations, workload } from './workload.ts'

export type CompareQueriesOptions = {
  readonly signal?: AbortSignal
  /** Seed of the bootstrap. */
  readonly seed: number
  /** Queries of the config: sent besides those of every table. */
  readonly queries?: readonly QueryConfig[]
  /** The costliest ones of production, of a capture. */
  readonly captured?: readonly CapturedQuery[] | undefined
  /** Limit for one query, in milliseconds. Default: 5,000. */
  readonly queryTimeout?: number
}

/**
 * Reads every exposed table on both sides as PostgREST would for two real users and service_role, and compares blocks
 * touched and, interleaved, times; with them what tables and indexes take, and which indexes are used. Takes clones: both
 * are vacuumed and analysed first, so that statistics and dead rows are equal causes on both sides. The reads of whole
 * tables are shared between the users, since policies make them dear. Throws `database.failed`, `aborted`.
 */
export async function compareQueries(
  before: Database,
  after: Database,
  identities: readonly Identity[],
  { signal, seed, queries: configured = [], captured, queryTimeout = 5_000 }: CompareQueriesOptions,
): Promise<{ findings: Finding[]; checks: Check[] }> {
  await using old = await before.connect()
  await using now = await after.connect()
  const sides = [old, now] as const
  await Promise.all(sides.map(refreshStatistics))
  await Promise.all(sides.map((session) => session.query(sessionSettings(queryTimeout))))
  const [storedBefore, storedAfter] = await Promise.all([takeStorage(old), takeStorage(now)])
  const stored = { before: storedBefore, after: storedAfter }
  const relations = await readableRelations(old, now)
  const measured: Sent[] = []
  const withAnon = [...configured.map(({ as }) => as), ...(captured ?? []).map(({ role }) => role)].includes('anon')
  const senders = await sendersOf(identities, sides, withAnon)
  const asked = await planCaptured(captured ?? [], senders, sides)
  const functions = await readFunctions(before, after, senders)
  for (const [index, identity] of [...senders, ...asked.others].entries()) {
    const whole =
      identity.userId === undefined
        ? (['newest', 'count'] as const)
        : index % 2 === 0
          ? (['newest'] as const)
          : (['count'] as const)
    const queries = index < senders.length ? await workload(old, relations, identity, whole) : []
    if (index < senders.length) queries.push(...calls(functions, identity), ...ofConfig(configured, identity, senders))
    const setUp = asked.setUp(identity)
    await Promise.all(sides.map((session) => session.query(`begin read only; ${setUp}; savepoint query`)))
    try {
      queries.push(...(await asked.queries(old, identity)))
      for (const query of queries) {
        throwIfAborted(signal, `measuring the reads of ${query.relation}`)
        measured.push({ query, setUp, measured: await measure(old, now, query, identity, seed) })
      }
    } finally {
      await Promise.all(sides.map((session) => session.query('rollback')))
    }
  }
  const rewritable = {
    byRelation: new Map(relations.filter(({ kind }) => kind === 'table').map((one) => [one.name, relationSql(one)])),
    loose: looser(stored.before, stored.after).map(({ sql }) => sql),
  }
  const confirmed = await confirmSlower(before, after, measured, rewritable, { timeout: queryTimeout, seed, signal })
  const used = await takeIndexUse(now)
  const idle = await idleIndexes(now, newIndexes(stored, confirmed, used), measured)
  const compact = await writeAnew(now, stored, signal)
  const judged = judge(confirmed, seed)
  const storage = compareStorage(stored.before, stored.after, compact)
  return {
    findings: [...judged.findings, ...judgeIndexUse(stored, confirmed, used, idle), ...storage.findings],
    checks: [...judged.checks, ...storage.checks, ...checkOfCaptured(asked, confirmed)],
  }
}

/** Those of the new indexes that no read of their table would use if reading all of it were no choice. */
async function idleIndexes(
  now: Connection,
  added: ReturnType<typeof newIndexes>,
  measured: readonly Sent[],
): Promise<ReadonlySet<number>> {
  const idle = new Set<number>()
  const byTable = Map.groupBy(added, ({ table }) => table.object)
  for (const [object, own] of byTable) {
    const used = await wouldUse(
      now,
      measured.filter(({ query }) => query.relation === object || query.origin !== undefined),
    )
    for (const { index } of own) if (!used.has(index.name)) idle.add(index.oid)
  }
  return idle
}

/** The queries of the config that this identity sends: the first user, service_role, or anon. */
function ofConfig(queries: readonly QueryConfig[], identity: Identity, senders: readonly Identity[]): Query[] {
  return queries
    .filter(({ as = 'user' }) =>
      as === 'user' ? identity === firstUser(senders) : identity.role === (as === 'service' ? 'service_role' : 'anon'),
    )
    .map(({ name, sql }) => ({
      relation: name,
      shape: 'its SQL',
      sql: asPage(sql.replace(/;\s*$/, '')),
      origin: 'config',
    }))
}
