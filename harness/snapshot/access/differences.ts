import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Identity } from '../identities.ts'
import { relationSql } from './exposed.ts'
import { type AccessFacts, type Probe, type Relation, type RowSetName, rowSets, setsOf } from './facts.ts'
import { impersonate } from './impersonate.ts'
import { grantsOf, keyHash, maskOf, readableKey, rowsQuery } from './probe-sql.ts'
import { timedOut } from './sqlstates.ts'

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
  /** False where more rows differ than were read. With no rows: the sets differ, and nothing is known of how. */
  readonly complete: boolean
}

/** Rows of one identity that are read to find the difference. Where it sees more, only buckets of hashes that differ are read. */
const mostRows = 200_000
const buckets = 4096

type AccessSide = { readonly database: Database; readonly facts: AccessFacts }

/**
 * Where an identity's row sets differ, reads the keys on both sides and keeps those rows that exist on both: what is left
 * is the effect of policies, grants and memberships. Rows that the migration inserted or deleted are not counted here.
 * Throws `database.failed`, `aborted`.
 */
export async function takeAccessDifferences(
  before: AccessSide,
  after: AccessSide,
  { signal, rowsRead = mostRows }: { signal?: AbortSignal; rowsRead?: number } = {},
): Promise<AccessDifference[]> {
  await using beforeSession = await before.database.connect({ readOnly: true })
  await using afterSession = await after.database.connect({ readOnly: true })
  const groups = new Map<string, Group>()
  for (const { relation, was, is, beforeProbe, afterProbe, identity } of differingProbes(before.facts, after.facts)) {
    throwIfAborted(signal, `comparing who sees which rows of ${relation}`)
    const key = commonKey(was, is, identity.role)
    const sides = [
      { session: beforeSession, facts: before.facts, relation: was, probe: beforeProbe, identity, key },
      { session: afterSession, facts: after.facts, relation: is, probe: afterProbe, identity, key },
    ] as const
    const many = sides.some(({ probe: { outcome } }) => setsOf(outcome).seen.count > rowsRead)
    const part = many ? await differingBuckets(sides) : undefined
    const { old, now, complete } = sameRange(
      await Promise.all(sides.map((side) => readRows(side, rowsRead, part))),
      rowsRead,
    )
    const id = `${relation}\n${identity.role}\n${key.join(',')}`
    const group = groups.get(id) ?? { relation, was, is, role: identity.role, key, changes: [] }
    groups.set(id, group)
    const changes = setDifferences(old, now)
    if (!complete && changes.length === 0) changes.push({ set: 'seen', direction: 'gained', hashes: [] })
    group.changes.push(...changes.map((change) => ({ ...change, identity: afterProbe.identity, complete })))
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
  /** Whether every row that differs was read. */
  readonly complete: boolean
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
    // One that ran out of time before is known to have seen nothing as little as to have seen all.
    if (beforeProbe.outcome.state === 'failed' && beforeProbe.outcome.sqlstate === timedOut) continue
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

/** Of rows in the order of their hash, those up to where both sides were read. */
function sameRange(
  [old = new Map(), now = new Map()]: readonly Rows[],
  most: number,
): { old: Rows; now: Rows; complete: boolean } {
  const ends = [old, now].filter(({ size }) => size >= most).map((rows) => BigInt([...rows.keys()].at(-1) ?? 0))
  const [end] = ends.toSorted((a, b) => (a < b ? -1 : 1))
  if (end === undefined) return { old, now, complete: true }
  const upTo = (rows: Rows) => new Map([...rows].filter(([hash]) => BigInt(hash) <= end))
  return { old: upTo(old), now: upTo(now), complete: false }
}

type Reading = {
  readonly session: Connection
  readonly facts: AccessFacts
  readonly relation: Relation
  readonly probe: Probe
  readonly identity: Identity
  readonly key: readonly string[]
}

async function readRows(side: Reading, most: number, part: readonly number[] | undefined): Promise<Rows> {
  const { outcome } = side.probe
  if (outcome.state !== 'read' || side.key.length === 0) return new Map()
  if (part === undefined && outcome.rows !== undefined && outcome.key.join() === side.key.join())
    return parseRows(outcome.rows)
  const filter = part === undefined ? '' : `where h & ${buckets - 1} = any ('{${part.join(',')}}')`
  return new Map(
    await ask<[string, number]>(
      side,
      (rows) => `select h, mask from (${rows}) as r ${filter} order by h limit ${most}`,
    ),
  )
}

/** Buckets of hashes in which the rows of the two sides are not the same. */
async function differingBuckets(sides: readonly Reading[]): Promise<number[]> {
  const [old, now] = await Promise.all(
    sides.map(async (side) => {
      if (side.probe.outcome.state !== 'read' || side.key.length === 0) return new Map<number, string>()
      return new Map(
        await ask<[number, string]>(
          side,
          (rows) =>
            `select (h & ${buckets - 1})::int, count(*) || ' ' || sum(h::numeric * (mask + 1)) from (${rows}) as r group by 1`,
        ),
      )
    }),
  )
  return Array.from({ length: buckets }, (_, bucket) => bucket).filter(
    (bucket) => old?.get(bucket) !== now?.get(bucket),
  )
}

async function ask<Row extends unknown[]>(side: Reading, sql: (rows: string) => string): Promise<Row[]> {
  const { session, facts, relation, probe, identity, key } = side
  await session.query('begin read only')
  try {
    await session.query(impersonate(identity))
    const text = sql(rowsQuery(relation, facts.policies, identity.role, key, probe.only))
    const { rows } = await session.query<Row>({ text, rowMode: 'array' })
    return rows
  } finally {
    await session.query('rollback')
  }
}

function parseRows(rows: string): Rows {
  const pairs = rows === '' ? [] : rows.split(',').map((row) => row.split(':'))
  return new Map(pairs.map(([hash = '', mask]) => [hash, Number(mask)]))
}

function setDifferences(old: Rows, now: Rows): Omit<Change, 'identity' | 'complete'>[] {
  const changes: Omit<Change, 'identity' | 'complete'>[] = []
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
      const mine = changes.filter((one) => one.set === set && one.direction === direction)
      const complete = mine.every((change) => change.complete)
      if (distinct.size > 0 || !complete) {
        differences.push({ relation, role, set, direction, rows: distinct.size, identities, complete })
      }
    }
  }
  return differences
}
