import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import { readExposed, relationSql } from './exposed.ts'
import {
  type AccessFacts,
  apiRoles,
  type BrokenWrite,
  type Outcome,
  type Policy,
  type Probe,
  type Relation,
} from './facts.ts'
import { impersonate } from './impersonate.ts'
import { readPolicies } from './policies.ts'
import { grantsOf, type ProbeRow, planStatements, probeOutcome, probeQuery, readableKey } from './probe-sql.ts'
import { type Sample, samplePlan } from './sample.ts'

export type TakeAccessOptions = {
  readonly signal?: AbortSignal
  /** Sessions used at one time. Default: 2. */
  readonly jobs?: number
  /** Limit for one probe, in milliseconds. Default: 5,000. */
  readonly probeTimeout?: number
  /** Facts of the other side: the same identities are then asked about the same relations, so that no probe is wasted. */
  readonly like?: AccessFacts
  /** Only these relations, by display name. Default: all that the API exposes. */
  readonly only?: ReadonlySet<string>
}

/**
 * Reads what each identity sees and may write, through row security, with the role and claims that PostgREST sets: one
 * read-only transaction for each identity, one statement for each relation, a savepoint around it. A relation whose
 * policies are costly for each row is asked for fewer identities (see `samplePlan`). Throws `database.failed`, `aborted`.
 */
export async function takeAccess(
  database: Database,
  identities: readonly Identity[],
  { signal, jobs = 2, probeTimeout = 5_000, like, only }: TakeAccessOptions = {},
): Promise<AccessFacts> {
  await using session = await database.connect({ readOnly: true })
  const roles = [...new Set([...apiRoles, ...identities.map((identity) => identity.role)])]
  const { relations: exposed, skipped } = await readExposed(session, roles)
  const relations: Relation[] = []
  for (const relation of exposed.filter(({ name }) => only?.has(name) ?? true)) {
    relations.push({ ...relation, rows: relation.kind === 'view' ? null : await countRows(session, relation) })
  }
  const tables = relations.map(({ oid }) => oid)
  const policies = await readPolicies(session, tables, roles)
  const sample = like ? sampleOf(like) : await samplePlan(session, relations, policies, identities)
  const queue = identities.map((identity, index) => ({ identity, index }))
  const probes: Probe[] = []
  const work = async (): Promise<void> => {
    await using worker = await database.connect({ readOnly: true })
    await worker.query(
      `set jit = off; set max_parallel_workers_per_gather = 0; set statement_timeout = ${probeTimeout}`,
    )
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      throwIfAborted(signal, 'reading who sees which rows')
      const asked = relations.filter(({ name }) => sample.get(name)?.has(next.index) ?? true)
      probes.push(...(await probeIdentity(worker, next.identity, next.index, asked, policies)))
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  probes.sort((a, b) => (a.relation < b.relation ? -1 : a.relation > b.relation ? 1 : a.identity - b.identity))
  const brokenWrites = await planWrites(session, relations, identities)
  return { identities, relations, policies, probes, brokenWrites, skipped }
}

async function countRows(session: Connection, relation: Pick<Relation, 'schema' | 'table'>): Promise<number> {
  const { rows } = await session.query<{ n: string }>(`select count(*) as n from ${relationSql(relation)}`)
  return Number(rows[0]?.n ?? 0)
}

function sampleOf(facts: AccessFacts): Sample {
  const sample = new Map<string, Set<number>>()
  for (const { name } of facts.relations) sample.set(name, new Set())
  for (const { relation, identity } of facts.probes) sample.get(relation)?.add(identity)
  return sample
}

async function probeIdentity(
  session: Connection,
  identity: Identity,
  index: number,
  relations: readonly Relation[],
  policies: readonly Policy[],
): Promise<Probe[]> {
  const probes: Probe[] = []
  await session.query('begin read only')
  try {
    await session.query(`${impersonate(identity)}; savepoint probe`)
    for (const relation of relations) {
      const started = performance.now()
      const outcome = await probe(
        session,
        probeQuery(relation, policies, identity.role),
        readableKey(relation, identity.role),
      )
      probes.push({ relation: relation.name, identity: index, outcome, milliseconds: performance.now() - started })
    }
  } catch (error) {
    // A role that does not exist, or not any more, can ask for nothing.
    const sqlstate = sqlstateOf(error)
    const asked = relations.filter(({ name }) => !probes.some((probe) => probe.relation === name))
    for (const { name } of asked) {
      probes.push({ relation: name, identity: index, outcome: { state: 'failed', sqlstate }, milliseconds: 0 })
    }
  } finally {
    await session.query('rollback')
  }
  return probes
}

async function probe(session: Connection, sql: string, key: readonly string[]): Promise<Outcome> {
  try {
    const { rows } = await session.query<ProbeRow>(sql)
    return rows[0] ? probeOutcome(rows[0], key) : { state: 'denied' }
  } catch (error) {
    const sqlstate = sqlstateOf(error)
    await session.query('rollback to savepoint probe')
    return sqlstate === '42501' ? { state: 'denied' } : { state: 'failed', sqlstate }
  }
}

/** Throws what is not Postgres' answer: a lost connection, a bug. */
function sqlstateOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5) {
    return error.code
  }
  throw error
}

async function planWrites(
  session: Connection,
  relations: readonly Relation[],
  identities: readonly Identity[],
): Promise<BrokenWrite[]> {
  const broken: BrokenWrite[] = []
  const byRole = new Map(identities.map((identity) => [identity.role, identity]))
  for (const [role, identity] of byRole) {
    await session.query('begin read only')
    try {
      await session.query(`${impersonate(identity)}; savepoint probe`)
      for (const relation of relations) {
        for (const { command, sql } of planStatements(relation, grantsOf(relation, role))) {
          const outcome = await plan(session, sql)
          if (outcome) broken.push({ relation: relation.name, role, command, sqlstate: outcome })
        }
      }
    } catch (error) {
      sqlstateOf(error)
    } finally {
      await session.query('rollback')
    }
  }
  return broken
}

async function plan(session: Connection, sql: string): Promise<string | undefined> {
  try {
    await session.query(sql)
    return undefined
  } catch (error) {
    await session.query('rollback to savepoint probe')
    return sqlstateOf(error)
  }
}
