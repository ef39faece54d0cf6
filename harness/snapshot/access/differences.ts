import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import { relationSql } from './exposed.ts'
import { type AccessFacts, type Probe, type Relation, type RowSetName, rowSets, setsOf } from './facts.ts'
import { impersonate } from './impersonate.ts'
import { grantsOf, keyHash, maskOf, readableKey, rowsQuery } from './probe-sql.ts'

/** Rows that exist on both sides and that a role may do something with on one of them only. */
export type AccessDifference = {
  readonly relation: string
  readonly role: string
  readonly set: RowSetName
  readonly direction: 'gained' | 'lost'
  /** Different rows, over all identities of the role. */
  readonly rows: number
  /** Identities concerned, by index, with their rows. */
  readonly identities: readonly { readonly identity: number; readonly rows: number }[]
}

/** Rows of one identity that are read to find the difference; above it only a part is compared, in the order of their hash. */
const mostRows = 200_000

type AccessSide = { readonly database: Database; readonly facts: AccessFacts }

/**
 * Where an identity's row sets differ, reads the keys on both sides and keeps those rows that exist on both: what is left
 * is the effect of policies, grants and memberships. Rows that the migration inserted or deleted are not counted here.
 * Throws `database.failed`, `aborted`.
 */
export async function takeAccessDifferences(
  before: AccessSide,
  after: AccessSide,
  { signal }: { signal?: AbortSignal } = {},
): Promise<AccessDifference[]> {
  await using beforeSession = await before.database.connect({ readOnly: true })
  await using afterSession = await after.database.connect({ readOnly: true })
  const groups = new Map<string, Group>()
  for (const { relation, was, is, beforeProbe, afterProbe, identity } of differingProbes(before.facts, after.facts)) {
    throwIfAborted(signal, `comparing who sees which rows of ${relation}`)
    const key = commonKey(was, is, identity.role)
    const [old, now] = await Promise.all([
      readRows(beforeSession, before.facts, was, beforeProbe, identity, key),
      readRows(afterSession, after.facts, is, afterProbe, identity, key),
    ])
    const id = `${relation}\n${identity.role}\n${key.join(',')}`
    const group = groups.get(id) ?? { relation, was, is, role: identity.role, key, changes: [] }
    groups.set(id, group)
    group.changes.push(...setDifferences(old, now).map((change) => ({ ...change, identity: afterProbe.identity })))
  }
  const differences: AccessDifference[] = []
  for (const group of groups.values()) {
    const candidates = [...new Set(group.changes.flatMap(({ hashes }) => hashes))]
    const existing = await existingOnBoth(beforeSession, afterSession, group, candidates)
    differences.push(...aggregate(group, existing))
  }
  return differences
}

type Change = {
  readonly identity: number
  readonly set: RowSetName
  readonly direction: 'gained' | 'lost'
  readonly hashes: readonly string[]
}
type Group = {
  readonly relation: string
  readonly was: Relation
  readonly is: Relation
  readonly role: string
  readonly key: readonly string[]
  readonly changes: Change[]
}

type Pair = {
  readonly relation: string
  readonly was: Relation
  readonly is: Relation
  readonly beforeProbe: Probe
  readonly afterProbe: Probe
  readonly identity: Identity
}

function* differingProbes(before: AccessFacts, after: AccessFacts): Generator<Pair> {
  const old = new Map(before.probes.map((probe) => [`${probe.relation}\n${probe.identity}`, probe]))
  const was = new Map(before.relations.map((relation) => [relation.name, relation]))
  const is = new Map(after.relations.map((relation) => [relation.name, relation]))
  for (const afterProbe of after.probes) {
    const beforeProbe = old.get(`${afterProbe.relation}\n${afterProbe.identity}`)
    const [wasRelation, isRelation] = [was.get(afterProbe.relation), is.get(afterProbe.relation)]
    const identity = after.identities[afterProbe.identity]
    if (!beforeProbe || !wasRelation || !isRelation || !identity) continue
    // A read that fails now is told as that; the rows behind it cannot be compared.
    if (afterProbe.outcome.state === 'failed') continue
    const [oldSets, newSets] = [setsOf(beforeProbe.outcome), setsOf(afterProbe.outcome)]
    const same = rowSets.every(
      (set) => oldSets[set].count === newSets[set].count && oldSets[set].hash === newSets[set].hash,
    )
    if (same) continue
    yield { relation: afterProbe.relation, was: wasRelation, is: isRelation, beforeProbe, afterProbe, identity }
  }
}

/** Columns that tell a row on both sides: the key where both have it and the role may read it, else all that both can show. */
function commonKey(was: Relation, is: Relation, role: string): readonly string[] {
  const granted = [grantsOf(was, role).select, grantsOf(is, role).select]
  // A role that reads only one of the sides is compared by what it can read there.
  const readable = granted.filter((columns) => columns.length > 0)
  const both = (column: string) => was.columns.includes(column) && is.columns.includes(column)
  const usable = (column: string) => both(column) && readable.every((columns) => columns.includes(column))
  const key = readableKey(was, role).length > 0 && was.key.unique ? was.key.columns : is.key.columns
  return key.every(usable) ? key : was.columns.filter(usable)
}

/** By key hash, the row's mask (see `rowsQuery`). */
type Rows = ReadonlyMap<string, number>

async function readRows(
  session: Connection,
  facts: AccessFacts,
  relation: Relation,
  { outcome }: Probe,
  identity: Identity,
  key: readonly string[],
): Promise<Rows> {
  if (outcome.state !== 'read' || key.length === 0) return new Map()
  if (outcome.rows !== undefined && outcome.key.join() === key.join()) return parseRows(outcome.rows)
  await session.query('begin read only')
  try {
    await session.query(impersonate(identity))
    const sql = `${rowsQuery(relation, facts.policies, identity.role, key)} order by h limit ${mostRows}`
    const { rows } = await session.query<[string, number]>({ text: sql, rowMode: 'array' })
    return new Map(rows)
  } finally {
    await session.query('rollback')
  }
}

function parseRows(rows: string): Rows {
  const pairs = rows === '' ? [] : rows.split(',').map((row) => row.split(':'))
  return new Map(pairs.map(([hash = '', mask]) => [hash, Number(mask)]))
}

function setDifferences(old: Rows, now: Rows): Omit<Change, 'identity'>[] {
  const changes: Omit<Change, 'identity'>[] = []
  for (const set of rowSets) {
    const bit = maskOf[set]
    const has = (mask: number | undefined) => mask !== undefined && (mask & bit) === bit
    // A row that is not seen any more is told as such, not once more as one that cannot be written; and whether a copy of
    // a row can be inserted is known only of rows that were seen on both sides.
    const gained = (hash: string) => !has(old.get(hash)) && (set !== 'insertable' || old.has(hash))
    const lost = (hash: string) => !has(now.get(hash)) && (set === 'seen' || now.has(hash))
    changes.push(
      { set, direction: 'gained', hashes: [...now].flatMap(([h, mask]) => (has(mask) && gained(h) ? [h] : [])) },
      { set, direction: 'lost', hashes: [...old].flatMap(([h, mask]) => (has(mask) && lost(h) ? [h] : [])) },
    )
  }
  return changes.filter(({ hashes }) => hashes.length > 0)
}

async function existingOnBoth(
  before: Connection,
  after: Connection,
  { was, is, key }: Group,
  hashes: readonly string[],
): Promise<Set<string>> {
  const find = async (session: Connection, relation: Relation): Promise<Set<string>> => {
    const { rows } = await session.query<{ h: string }>(
      `select distinct h from (select ${keyHash(key)} as h from ${relationSql(relation)}) as keys where h = any ($1::bigint[])`,
      [hashes],
    )
    return new Set(rows.map(({ h }) => h))
  }
  if (hashes.length === 0) return new Set()
  const [old, now] = await Promise.all([find(before, was), find(after, is)])
  return old.intersection(now)
}

function aggregate({ relation, role, changes }: Group, existing: ReadonlySet<string>): AccessDifference[] {
  const differences: AccessDifference[] = []
  for (const set of rowSets) {
    for (const direction of ['gained', 'lost'] as const) {
      const distinct = new Set<string>()
      const identities: { identity: number; rows: number }[] = []
      for (const change of changes.filter((one) => one.set === set && one.direction === direction)) {
        const hashes = change.hashes.filter((hash) => existing.has(hash))
        for (const hash of hashes) distinct.add(hash)
        if (hashes.length > 0) identities.push({ identity: change.identity, rows: hashes.length })
      }
      if (distinct.size > 0) differences.push({ relation, role, set, direction, rows: distinct.size, identities })
    }
  }
  return differences
}
