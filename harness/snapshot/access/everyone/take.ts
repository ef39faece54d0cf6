import type { Database } from '../../../database/engine.ts'
import { throwIfAborted } from '../../../errors.ts'
import { readTokens } from '../../identities.ts'
import { type AccessFacts, type Relation, type RowSetName, rowSets, setsOf } from '../facts.ts'
import { grantsOf, readableKey } from '../probe-sql.ts'
import { changesOf, type TableChange } from './changes.ts'
import { type Plan, planTable } from './plan.ts'
import { type Limits, type Made, type Person, Side, type Totals } from './side.ts'
import { Refusal } from './tree.ts'

export type EveryoneInput = {
  /** Clones: their sessions make temporary tables and call functions of the app, and roll everything back. */
  readonly before: Database
  readonly after: Database
  /** What sampled users were shown, which the answers for all users are held against. */
  readonly was: AccessFacts
  readonly is: AccessFacts
}

export type EveryoneOptions = Partial<Limits> & {
  readonly signal?: AbortSignal
  /** Only these relations, by display name. Default: all. */
  readonly only?: ReadonlySet<string>
}

/** What could be told of one table for every user. */
export type EveryoneTable = {
  readonly relation: string
  /** Row sets compared for every user. */
  readonly exhaustive: readonly RowSetName[]
  /** Why the others were not, as the rest of a sentence. */
  readonly refused: Partial<Readonly<Record<RowSetName, string>>>
  /** Pairs of a user and a row that were joined, on both sides. */
  readonly pairs: number
  readonly changes: readonly TableChange[]
}

export type Everyone = {
  /** Users of role authenticated who are on both sides. */
  readonly users: number
  readonly tables: readonly EveryoneTable[]
}

const role = 'authenticated'
const mostRows = 2_000_000
const mostMoved = 500_000
const defaults: Limits = { statement: 20_000, loosePairs: 3_000_000 }

/**
 * For every user at once, what rows of each table are seen and may be written on both sides, by policies written out as
 * joins. A table whose policies cannot be written out is refused with the reason, and so is one where a sampled user was
 * shown anything else. Throws `database.failed`, `aborted`.
 */
export async function takeEveryone(
  { before, after, was, is }: EveryoneInput,
  { signal, only, ...limits }: EveryoneOptions = {},
): Promise<Everyone> {
  const [old, now] = await Promise.all([readTokens(before), readTokens(after)])
  const everyone = [...old.values()].filter((token) => token.role === role && now.has(token.id))
  const instant = new Date().toISOString()
  await using first = await Side.open(before, instant, { ...defaults, ...limits })
  await using second = await Side.open(after, instant, { ...defaults, ...limits })
  const sides: readonly Looked[] = [
    { side: first, facts: was },
    { side: second, facts: is },
  ]
  const asked = is.relations.filter(
    ({ name }) => (only?.has(name) ?? true) && was.relations.some((relation) => relation.name === name),
  )
  const planned: Planned[] = []
  for (const { name } of asked) planned.push(await plan(sides, name))
  await Promise.all(sides.map(({ side }) => side.putPeople(everyone)))
  await Promise.all(sides.map(({ side }) => side.callFunctions()))
  const tables: EveryoneTable[] = []
  for (const one of planned) {
    throwIfAborted(signal, `asking for all users what they see of ${one.relation}`)
    tables.push(await look(sides, one, everyone))
  }
  return { users: everyone.length, tables }
}

type Looked = { readonly side: Side; readonly facts: AccessFacts }
type Planned =
  | { readonly relation: string; readonly reason: string }
  | { readonly relation: string; readonly plans: readonly Plan[]; readonly key: readonly string[] }

async function plan(sides: readonly Looked[], name: string): Promise<Planned> {
  try {
    const plans: Plan[] = []
    const keys: string[] = []
    for (const { side, facts } of sides) {
      const relation = relationOf(facts, name)
      if (relation.kind === 'view') throw new Refusal('it is a view')
      if ((relation.rows ?? 0) > mostRows)
        throw new Refusal(`it has more than ${mostRows.toLocaleString('en-US')} rows`)
      const table = side.expander.catalog.tables.get(`${relation.schema}.${relation.table}`)
      if (table === undefined) throw new Refusal('it was not found')
      const context = { role, path: '"public", "extensions"', inside: [] }
      plans.push(await planTable(table, grantsOf(relation, role), side.expander, context))
      keys.push(readableKey(relation, role).join('\n'))
    }
    const [one = '', other = ''] = keys
    if (one !== other && one !== '' && other !== '') throw new Refusal('its rows are told apart by other columns now')
    return { relation: name, plans, key: (one || other).split('\n').filter((column) => column !== '') }
  } catch (error) {
    if (error instanceof Refusal) return { relation: name, reason: error.message }
    throw error
  }
}

async function look(sides: readonly Looked[], planned: Planned, everyone: readonly Person[]): Promise<EveryoneTable> {
  const none = { relation: planned.relation, exhaustive: [], pairs: 0, changes: [] }
  const all = (reason: string) => Object.fromEntries(rowSets.map((set) => [set, reason]))
  if ('reason' in planned) return { ...none, refused: all(planned.reason) }
  await Promise.all(sides.map(({ side }) => side.begin()))
  try {
    const made = await settled(
      sides.map(async ({ side, facts }, index) => {
        const relation = relationOf(facts, planned.relation)
        const table = side.expander.catalog.tables.get(`${relation.schema}.${relation.table}`)
        const own = planned.plans[index]
        if (table === undefined || own === undefined) throw new Refusal('it was not found')
        return await side.make(table, planned.key, own, relation.rows ?? 0)
      }),
    )
    return await compared(sides, planned, made, everyone)
  } catch (error) {
    if (error instanceof Refusal) return { ...none, refused: all(error.message) }
    throw error
  } finally {
    await Promise.all(sides.map(({ side }) => side.end()))
  }
}

async function compared(
  sides: readonly Looked[],
  { relation, plans }: Extract<Planned, { plans: unknown }>,
  made: readonly Made[],
  everyone: readonly Person[],
): Promise<EveryoneTable> {
  await setApart(sides)
  const totals = await settled(
    sides.map(async ({ side }, index) => {
      const own = made[index]
      if (own === undefined) throw new TypeError('Each side has its tables.')
      return await side.totals(own)
    }),
  )
  const refused: Partial<Record<RowSetName, string>> = { ...plans[1]?.refused, ...plans[0]?.refused }
  for (const [index, { facts }] of sides.entries()) {
    const own = totals[index]
    if (own !== undefined) Object.assign(refused, contradictions(facts, relation, everyone, own, refused))
  }
  const exhaustive = rowSets.filter((set) => refused[set] === undefined)
  const changes = refused.seen !== undefined ? [] : await changesOf(sides, made, totals, exhaustive, everyone)
  const pairs = made.reduce((sum, one) => sum + one.pairs, 0)
  return { relation, exhaustive: refused.seen === undefined ? exhaustive : [], refused, pairs, changes }
}

/** Sets in which a sampled user was shown something else than what was worked out here. */
function contradictions(
  facts: AccessFacts,
  relation: string,
  everyone: readonly Person[],
  totals: Totals,
  refused: Partial<Readonly<Record<RowSetName, string>>>,
): Partial<Record<RowSetName, string>> {
  const found: Partial<Record<RowSetName, string>> = {}
  const all = (reason: string) => Object.fromEntries(rowSets.map((set) => [set, reason]))
  const numbers = new Map(everyone.map(({ id }, n) => [id, n]))
  let asked = 0
  for (const probe of facts.probes.filter((one) => one.relation === relation && one.only === undefined)) {
    const identity = facts.identities[probe.identity]
    const n = identity?.userId === undefined ? undefined : numbers.get(identity.userId)
    if (n === undefined || identity?.role !== role) continue
    if (probe.outcome.state === 'failed') return all('a sampled user could not read it')
    asked += 1
    const shown = setsOf(probe.outcome)
    const own = totals.get(n)
    for (const set of rowSets.filter((one) => refused[one] === undefined)) {
      const { count, hash } = own?.[set] ?? { count: 0, hash: '0' }
      if (count !== shown[set].count || hash !== shown[set].hash) {
        found[set] = 'what was worked out for all users differs from what a sampled user is shown'
      }
    }
  }
  return asked > 0 ? found : all('no sampled user was asked, so nothing could be checked')
}

/** Both sides to their end, then the first failure: a session that is still at work cannot be used for anything else. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Leaves out of the comparison the rows that are on one side only: those that the migration made or deleted. */
async function setApart(sides: readonly Looked[]): Promise<void> {
  const [old = new Map<number, string>(), now = new Map<number, string>()] = await Promise.all(
    sides.map(({ side }) => side.parts()),
  )
  const differing = [...new Set([...old.keys(), ...now.keys()])].filter((part) => old.get(part) !== now.get(part))
  if (differing.length === 0) return
  const [had = new Set<string>(), has = new Set<string>()] = await Promise.all(
    sides.map(async ({ side }) => new Set(await side.hashesOf(differing))),
  )
  const [gone, come] = [had.difference(has), has.difference(had)]
  if (gone.size + come.size > mostMoved) throw new Refusal('too many of its rows came or went')
  await Promise.all(sides.map(({ side }, index) => side.setApart([...(index === 0 ? gone : come)])))
}

function relationOf(facts: AccessFacts, name: string): Relation {
  const relation = facts.relations.find((one) => one.name === name)
  if (relation === undefined) throw new Refusal('it is on one side only')
  return relation
}

/** `takeEveryone` for a run that goes on without it: undefined where Postgres or the connection refuses. Throws `aborted`. */
export async function tryEveryone(input: EveryoneInput, options: EveryoneOptions = {}): Promise<Everyone | undefined> {
  try {
    return await takeEveryone(input, options)
  } catch (error) {
    const refused =
      error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code !== 'aborted'
    if (refused) return undefined
    throw error
  }
}
