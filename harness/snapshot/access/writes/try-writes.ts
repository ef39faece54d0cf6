import type { Connection, Database } from '../../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import { throwIfAborted } from '../../../errors.ts'
import type { Identity } from '../../identities.ts'
import { relationSql } from '../exposed.ts'
import type { AccessFacts, Relation } from '../facts.ts'
import { keyHash, readableKey } from '../probe-sql.ts'
import { timedOut } from '../sqlstates.ts'
import { type Attempt, chooseAttempts } from './attempts.ts'
import { attemptBlock, type WriteStatement, writeStatement } from './statements.ts'

/** Rows written, or the SQLSTATE of the refusal. */
export type Answer = { readonly rows: number } | { readonly sqlstate: string }

export type TriedWrite = Attempt & {
  readonly before: Answer
  readonly after: Answer
  /** Whether the same came out each time, on each side. Asked only where the sides differ. */
  readonly stable: boolean
}

export type WriteSide = {
  /** A clone: what is written is taken back, but sequences stay moved. */
  readonly database: Database
  readonly facts: AccessFacts
}

const repeats = 9

/** For one attempt, in milliseconds; for those of one identity together, five times as much. */
const attemptTimeout = 4_000

/**
 * Makes the writes of `chooseAttempts` for real on both sides, each in a transaction that is rolled back: defaults,
 * checks, column privileges and triggers take part. Rows that are gone after the migrations are not tried. Where the sides
 * differ they are asked `repeats` times more, so that a trigger that rolls dice is not taken for the migrations' doing.
 */
export async function tryWrites(
  before: WriteSide,
  after: WriteSide,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<TriedWrite[]> {
  await using was = await open(before.database)
  await using is = await open(after.database)
  const attempts = chooseAttempts(before.facts, after.facts)
  const [oldSide, newSide] = await Promise.all([
    sideOf(was, before.facts, before.facts, attempts),
    sideOf(is, before.facts, after.facts, attempts),
  ])
  const fixed = new Set([...oldSide.fixed, ...newSide.fixed])
  const tried: TriedWrite[] = []
  for (const [index, mine] of Map.groupBy(attempts, ({ identity }) => identity)) {
    throwIfAborted(signal, 'trying writes')
    const identity = before.facts.identities[index]
    if (identity === undefined) continue
    const sent = mine.flatMap((attempt) => {
      const statement = (side: Side, other: Relation | undefined) => {
        const [old, where] = [oldSide.relations.get(attempt.relation), side.places.get(place(attempt))]
        if (old === undefined || other === undefined || where === undefined) return undefined
        return writeStatement(old, other, { role: identity.role, command: attempt.command, where, fixed })
      }
      const [there, here] = [
        statement(oldSide, oldSide.relations.get(attempt.relation)),
        statement(newSide, newSide.relations.get(attempt.relation)),
      ]
      return there && here ? [{ attempt, there, here }] : []
    })
    const ask = (part: typeof sent) =>
      Promise.all([
        answers(
          was,
          identity,
          part.map(({ there }) => there),
        ),
        answers(
          is,
          identity,
          part.map(({ here }) => here),
        ),
      ])
    const [first, second] = await ask(sent)
    const differing = sent.filter((_, at) => !alike(first[at], second[at]))
    const again: (readonly [Answer[], Answer[]])[] = []
    for (let time = 0; time < repeats && differing.length > 0; time += 1) again.push(await ask(differing))
    for (const [at, one] of sent.entries()) {
      const [old = { sqlstate: timedOut }, now = { sqlstate: timedOut }] = [first[at], second[at]]
      const nth = differing.indexOf(one)
      const stable = again.every(([x, y]) => nth < 0 || (same(x[nth], old) && same(y[nth], now)))
      tried.push({ ...one.attempt, before: old, after: now, stable })
    }
  }
  return tried
}

export function accepted(answer: Answer | undefined): boolean {
  return answer !== undefined && 'rows' in answer && answer.rows > 0
}

function alike(one: Answer | undefined, other: Answer | undefined): boolean {
  return accepted(one) === accepted(other)
}

function same(one: Answer | undefined, other: Answer | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

async function open(database: Database): Promise<Connection> {
  const session = await database.connect()
  await session.query('set jit = off; set lock_timeout = 2000')
  return session
}

type Side = {
  readonly relations: ReadonlyMap<string, Relation>
  /** The condition that finds the row of an attempt. */
  readonly places: ReadonlyMap<string, string>
  /** `relation\ncolumn` of columns that nobody writes: generated ones, identities that are always generated. */
  readonly fixed: ReadonlySet<string>
}

const place = ({ relation, identity, row }: Attempt) => `${relation}\n${identity}\n${row}`

async function sideOf(
  session: Connection,
  told: AccessFacts,
  facts: AccessFacts,
  attempts: readonly Attempt[],
): Promise<Side> {
  const relations = new Map(facts.relations.map((relation) => [relation.name, relation]))
  const old = new Map(told.relations.map((relation) => [relation.name, relation]))
  const places = new Map<string, string>()
  const keyOf = (attempt: Attempt) => {
    const relation = old.get(attempt.relation)
    return relation === undefined ? [] : readableKey(relation, told.identities[attempt.identity]?.role ?? '')
  }
  for (const group of Map.groupBy(attempts, (attempt) => [attempt.relation, ...keyOf(attempt)].join('\n')).values()) {
    const [first] = group
    const relation = first && relations.get(first.relation)
    if (first === undefined || relation === undefined) continue
    const key = keyOf(first)
    if (key.length === 0 || !key.every((column) => relation.columns.includes(column))) continue
    const found = await findRows(session, relation, key, [...new Set(group.map(({ row }) => row))])
    for (const attempt of group) {
      const where = found.get(attempt.row)
      if (where !== undefined) places.set(place(attempt), where)
    }
  }
  const { rows } = await session.query<{ oid: number; column: string }>(
    `select attrelid::int as oid, attname::text as column from pg_attribute
     where attrelid = any ($1) and attnum > 0 and (attgenerated <> '' or attidentity = 'a')`,
    [facts.relations.map(({ oid }) => oid)],
  )
  const names = new Map(facts.relations.map(({ oid, name }) => [oid, name]))
  return { relations, places, fixed: new Set(rows.map(({ oid, column }) => `${names.get(oid)}\n${column}`)) }
}

/** By key hash, the condition for that one row: its key, or its place where it has none. */
async function findRows(
  session: Connection,
  relation: Relation,
  key: readonly string[],
  hashes: readonly string[],
): Promise<Map<string, string>> {
  const byKey = relation.key.unique && key.join('\n') === relation.key.columns.join('\n')
  const values = byKey ? key.map((column) => `${quoteIdentifier(column)}::text`) : ['ctid::text']
  if (!byKey && relation.kind === 'view') return new Map()
  const { rows } = await session.query<{ h: string; parts: (string | null)[] }>(
    `select distinct on (h) h, parts from (select ${keyHash(key)} as h, array[${values.join(', ')}] as parts from ${relationSql(relation)}) as keys
     where h = any ($1::bigint[]) order by h, parts`,
    [hashes],
  )
  const columns = byKey ? key.map((column) => quoteIdentifier(column)) : ['ctid']
  return new Map(
    rows
      .filter(({ parts }) => !parts.includes(null))
      .map(({ h, parts }) => [
        h,
        columns.map((column, index) => `${column} = ${quoteLiteral(parts[index] ?? '')}`).join(' and '),
      ]),
  )
}

/** The answers of all attempts together; where they take too long, or end the transaction, of each alone. */
async function answers(
  session: Connection,
  identity: Identity,
  statements: readonly WriteStatement[],
): Promise<Answer[]> {
  const all = await ask(session, attemptBlock(identity, statements), attemptTimeout * 5)
  if (Array.isArray(all)) return all
  const found: Answer[] = []
  for (const statement of statements) {
    const answer = await ask(session, attemptBlock(identity, [statement]), attemptTimeout)
    found.push(Array.isArray(answer) ? (answer[0] ?? { sqlstate: timedOut }) : answer)
  }
  return found
}

async function ask(session: Connection, block: string, timeout: number): Promise<Answer[] | { sqlstate: string }> {
  await session.query(`begin; set local statement_timeout = ${timeout}`)
  try {
    await session.query(block)
    const { rows } = await session.query<{ answers: string }>(`select current_setting('greenlight.answers') as answers`)
    const told: unknown = JSON.parse(rows[0]?.answers ?? '[]')
    return (Array.isArray(told) ? told : []).map((answer: unknown) => {
      const text = String(answer)
      return text.startsWith('rows ') ? { rows: Number(text.slice(5)) } : { sqlstate: text }
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5) {
      return { sqlstate: error.code }
    }
    throw error
  } finally {
    await session.query('rollback')
  }
}
