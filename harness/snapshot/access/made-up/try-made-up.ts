import type { Database } from '../../../database/engine.ts'
import { throwIfAborted } from '../../../errors.ts'
import { type Coverage, nameOf, policyCoverage, unexercised } from '../coverage.ts'
import { type AccessDifference, takeAccessDifferences } from '../differences.ts'
import type { AccessFacts, Relation } from '../facts.ts'
import { takeAccess } from '../take.ts'
import { type MadeRow, makeRows } from './make-rows.ts'

/** What was seen of the policies that no real row puts to the proof, on rows made up for it. */
export type MadeUp = {
  /** Access to these tables with the rows in them; a table that is new is in `after` only. */
  readonly before: AccessFacts
  readonly after: AccessFacts
  readonly differences: readonly AccessDifference[]
  /** By table. Empty where no row could be made. */
  readonly rows: ReadonlyMap<string, readonly MadeRow[]>
  /** Policies that are put to the proof so, as `nameOf` has them. */
  readonly exercised: ReadonlySet<string>
}

type Side = { readonly database: Database; readonly facts: AccessFacts }

/** Tables looked at, users to whom rows are given, and users who are asked. */
const mostTables = 20
const owners = 6
const askers = 16

/**
 * Makes rows on clones of both sides in the tables whose policies the migrations touch and nobody puts to the proof, and
 * asks some of the same identities about them. Undefined where there is no such policy. Throws `database.failed`, `aborted`.
 */
export async function tryMadeUp(
  before: Side,
  after: Side,
  clone: (of: Database) => Promise<Database>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<MadeUp | undefined> {
  const { touched, dropped } = unexercised(before.facts, after.facts)
  const wanted = [...touched, ...dropped]
  const names = new Set(wanted.map(({ policy }) => policy.relation))
  const tables = after.facts.relations
    .filter(({ name, kind }) => kind === 'table' && names.has(name))
    .slice(0, mostTables)
  const users = after.facts.identities.filter(({ role, userId }) => role === 'authenticated' && userId !== undefined)
  if (tables.length === 0 || users.length < 2) return undefined
  const others = after.facts.identities.filter(({ userId }) => userId === undefined)
  const identities = [...others, ...users.slice(0, askers)]
  await using old = await clone(before.database)
  await using now = await clone(after.database)
  const rows = new Map<string, MadeRow[]>()
  {
    await using was = await old.connect()
    await using is = await now.connect()
    for (const session of [was, is]) {
      await session.query(`set session_replication_role = replica; set jit = off; set statement_timeout = 5000`)
    }
    for (const relation of tables) {
      throwIfAborted(signal, 'making up rows')
      const there = before.facts.relations.find(({ name, kind }) => name === relation.name && kind === 'table')
      const policies = [...before.facts.policies, ...after.facts.policies].filter(
        (one) => one.relation === relation.name,
      )
      const people = identities.flatMap((identity, index) =>
        identity.userId === undefined ? [] : [[index, identity] as const],
      )
      await Promise.all([was.query('begin'), is.query('begin')])
      const made = await makeRows(
        there && { session: was, relation: there },
        { session: is, relation },
        policies,
        people.slice(0, owners),
      )
      await Promise.all([was.query('commit'), is.query('commit')])
      rows.set(relation.name, made)
    }
  }
  const only = new Set([...rows].flatMap(([name, made]) => (made.length > 0 ? [name] : [])))
  const was = await takeAccess(old, identities, { only, ...(signal && { signal }) })
  const is = await takeAccess(now, identities, { only, like: was, ...(signal && { signal }) })
  const differences = await takeAccessDifferences({ database: old, facts: was }, { database: now, facts: is })
  // A policy that cannot take a made-up value tells nothing of real ones.
  const failing = new Set(
    [...was.probes, ...is.probes].flatMap(({ relation, outcome }) => (outcome.state === 'failed' ? [relation] : [])),
  )
  return {
    before: was,
    after: is,
    differences: differences.filter(({ relation }) => !failing.has(relation)),
    rows,
    exercised: exercisedBy(
      was,
      is,
      wanted.filter(({ policy }) => !failing.has(policy.relation)),
    ),
  }
}

function exercisedBy(was: AccessFacts, is: AccessFacts, wanted: readonly Coverage[]): ReadonlySet<string> {
  const whole = new Set(
    [...policyCoverage(was), ...policyCoverage(is)].flatMap(({ policy, exercise }) =>
      exercise === 'whole' && isThere(is, policy.relation) ? [JSON.stringify(policy)] : [],
    ),
  )
  return new Set(wanted.filter(({ policy }) => whole.has(JSON.stringify(policy))).map(({ policy }) => nameOf(policy)))
}

function isThere({ relations }: AccessFacts, name: Relation['name']): boolean {
  return relations.some((relation) => relation.name === name)
}
