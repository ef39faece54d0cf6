import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import { readExposed, relationSql } from './exposed.ts'
import {
  type AccessFacts,
  apiRoles,
  type BrokenWrite,
  inOrder,
  type Outcome,
  type Policy,
  type Probe,
  type Relation,
} from './facts.ts'
import { clearlyFaster } from './failure-findings.ts'
import { impersonate } from './impersonate.ts'
import { readPolicies } from './policies.ts'
import { grantsOf, type ProbeRow, planStatements, probeOutcome, probeQuery, readableKey } from './probe-sql.ts'
import { askedLike, costlyOf, questions } from './questions.ts'
import type { Part } from './row-sample.ts'
import { timedOut } from './sqlstates.ts'

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
  /** Asks only the first users of the sample: enough to hold against them what is worked out for all users. */
  readonly few?: boolean
}

/**
 * Reads what each identity sees and may write, through row security, with the role and claims that PostgREST sets: one
 * read-only transaction and one statement for each identity; where that fails, and for what is costly, one for each relation, a savepoint around it. A relation whose
 * policies are costly for each row is asked whole for fewer identities (see `samplePlan`), and in part for the others. Throws `database.failed`, `aborted`.
 */
export async function takeAccess(
  database: Database,
  identities: readonly Identity[],
  { signal, jobs = 2, probeTimeout = 5_000, like, only, few = false }: TakeAccessOptions = {},
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
  const share = exposed.length === 0 ? 1 : relations.length / exposed.length
  const asked = like ? askedLike(like) : await questions(session, relations, policies, identities, { few, share })
  const costly = costlyOf(asked)
  const anybody = new Set([...asked.values()].flatMap((own) => [...own.keys()]))
  const patience = patienceFor(probeTimeout, like)
  const queue = identities.map((identity, index) => ({ identity, index }))
  const probes: Probe[] = []
  const work = async (): Promise<void> => {
    await using worker = await database.connect({ readOnly: true })
    await worker.query(
      `set jit = off; set max_parallel_workers_per_gather = 0; set statement_timeout = ${probeTimeout}`,
    )
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      throwIfAborted(signal, 'reading who sees which rows')
      const mine = relations.flatMap((relation): Question[] => {
        const told = asked.get(relation.name)
        // A relation that the other side does not have is asked whole, of whom anything else is asked.
        const only =
          told === undefined ? (anybody.size === 0 || anybody.has(next.index) ? null : undefined) : told.get(next.index)
        if (only === undefined) return []
        return only === null ? [{ relation, costly: costly.has(relation.name) }] : [{ relation, only, costly: false }]
      })
      if (mine.length === 0) continue
      probes.push(...(await probeIdentity(worker, next.identity, next.index, mine, policies, patience)))
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  const brokenWrites = await planWrites(session, relations, identities)
  return {
    identities,
    relations,
    policies,
    probes: inOrder(probes),
    brokenWrites,
    tables: await readTables(session),
    skipped,
  }
}

async function readTables(session: Connection): Promise<number[]> {
  const { rows } = await session.query<{ oid: number }>(
    `select oid::int from pg_class where relkind in ('r', 'p') order by oid`,
  )
  return rows.map(({ oid }) => oid)
}

async function countRows(session: Connection, relation: Pick<Relation, 'schema' | 'table'>): Promise<number> {
  const { rows } = await session.query<{ n: string }>(`select count(*) as n from ${relationSql(relation)}`)
  return Number(rows[0]?.n ?? 0)
}

type Question = {
  readonly relation: Relation
  readonly only?: Part
  /** Asked alone, so that the time limit is its own. */
  readonly costly: boolean
}

/** How much longer a read may take that ran out of time, and how many of them: the machine may be busy. */
const patienceFactor = 4
const mostPatience = 12

type Patience = {
  readonly usual: number
  readonly long: number
  left: number
  mayBe: (relation: string, identity: number) => boolean
}

/**
 * Only reads of which nothing would be known otherwise get more time: those of before, and those that took long there. One
 * that was quick before and runs out of time after is a fault, however patient one is.
 */
function patienceFor(usual: number, like: AccessFacts | undefined): Patience {
  const keyOf = (relation: string, identity: number) => `${relation}\n${identity}`
  const slow = new Set(
    like?.probes
      .filter(({ milliseconds }) => milliseconds > usual * clearlyFaster)
      .map(({ relation, identity }) => keyOf(relation, identity)),
  )
  return {
    usual,
    long: usual * patienceFactor,
    left: mostPatience,
    mayBe: (relation, identity) => like === undefined || slow.has(keyOf(relation, identity)),
  }
}

async function probeIdentity(
  session: Connection,
  identity: Identity,
  index: number,
  questions: readonly Question[],
  policies: readonly Policy[],
  patience: Patience,
): Promise<Probe[]> {
  const probes: Probe[] = []
  const started = performance.now()
  const add = ({ relation, only }: Question, outcome: Outcome, milliseconds: number) =>
    probes.push({ relation: relation.name, identity: index, outcome, ...(only && { only }), milliseconds })
  await session.query('begin read only')
  try {
    await session.query(`${impersonate(identity)}; savepoint probe`)
    const { role } = identity
    const readable = questions.filter(({ relation }) => grantsOf(relation, role).select.length > 0)
    for (const question of questions) if (!readable.includes(question)) add(question, { state: 'denied' }, 0)
    const cheap = readable.filter((question) => !question.costly)
    const together = await askTogether(session, cheap, policies, role)
    for (const [at, question] of cheap.entries()) {
      const outcome = together?.[at]
      if (outcome) add(question, outcome, performance.now() - started)
    }
    for (const question of together ? readable.filter(({ costly }) => costly) : readable) {
      const begun = performance.now()
      let outcome = await probe(session, question, policies, role)
      const ranOut = outcome.state === 'failed' && outcome.sqlstate === timedOut
      if (ranOut && patience.left > 0 && patience.mayBe(question.relation.name, index)) {
        patience.left -= 1
        await session.query(`set local statement_timeout = ${patience.long}`)
        outcome = await probe(session, question, policies, role)
        await session.query(`set local statement_timeout = ${patience.usual}`)
      }
      add(question, outcome, performance.now() - begun)
    }
  } catch (error) {
    // A role that does not exist, or not any more, can ask for nothing.
    const sqlstate = sqlstateOf(error)
    const left = questions.filter(({ relation: { name } }) => !probes.some((probe) => probe.relation === name))
    for (const {
      relation: { name },
    } of left) {
      probes.push({ relation: name, identity: index, outcome: { state: 'failed', sqlstate }, milliseconds: 0 })
    }
  } finally {
    await session.query('rollback')
  }
  return probes
}

/** All questions in one statement; undefined where one of them fails, or all take too long: then each is asked alone. */
async function askTogether(
  session: Connection,
  questions: readonly Question[],
  policies: readonly Policy[],
  role: string,
): Promise<Outcome[] | undefined> {
  if (questions.length === 0) return []
  const parts = questions.map(
    ({ relation, only }, at) => `select ${at} as at, q.* from (${probeQuery(relation, policies, role, only)}) as q`,
  )
  try {
    const { rows } = await session.query<ProbeRow & { at: number }>(parts.join('\nunion all '))
    const byQuestion = new Map(rows.map((row) => [row.at, row]))
    return questions.map(({ relation }, at) => outcomeOf(byQuestion.get(at), relation, role))
  } catch (error) {
    sqlstateOf(error)
    await session.query('rollback to savepoint probe')
    return undefined
  }
}

async function probe(
  session: Connection,
  { relation, only }: Question,
  policies: readonly Policy[],
  role: string,
): Promise<Outcome> {
  try {
    const { rows } = await session.query<ProbeRow>(probeQuery(relation, policies, role, only))
    return outcomeOf(rows[0], relation, role)
  } catch (error) {
    const sqlstate = sqlstateOf(error)
    await session.query('rollback to savepoint probe')
    return sqlstate === '42501' ? { state: 'denied' } : { state: 'failed', sqlstate }
  }
}

function outcomeOf(row: ProbeRow | undefined, relation: Relation, role: string): Outcome {
  return row ? probeOutcome(row, readableKey(relation, role)) : { state: 'denied' }
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
