import { type Delta, diff, encodeId, extract, type Fact, type FactBase, plan, type StableId } from '@supabase/pg-delta'
import pg from 'pg'
import type { Database } from '../../database/engine.ts'

/**
 * The one door to pg-delta, an alpha that is pinned exactly: what the rest of the folder knows of it are its facts (one for
 * each table, column, constraint, policy, grant …) and the changes between two sets of them.
 */
export type Facts = FactBase
export type ObjectId = StableId
export type ObjectFact = Fact

export type FactChange =
  | { readonly verb: 'added' | 'removed'; readonly fact: ObjectFact }
  | {
      readonly verb: 'altered'
      readonly id: ObjectId
      readonly attribute: string
      readonly from: unknown
      readonly to: unknown
    }
  | { readonly verb: 'owner'; readonly id: ObjectId; readonly from: string; readonly to: string }

/** Reads the schema of a whole database in one read-only snapshot. Secrets of foreign servers and subscriptions are left out. */
export async function extractFacts(database: Database): Promise<Facts> {
  const pool = database.pool({ readOnly: true, applicationName: 'greenlight schema' }, { max: 1 })
  try {
    return (await extract(pool)).factBase
  } finally {
    await pool.end()
  }
}

/** What differs, without dependencies that follow from other changes and without members of extensions. Sorted. Pure. */
export function factChanges(before: Facts, after: Facts): readonly FactChange[] {
  const members = new Set([...extensionMembers(before), ...extensionMembers(after)])
  const isMember = (id: ObjectId): boolean => members.has(encodeId(id)) || ('target' in id && isMember(id.target))
  const deltas = diff(before, after).filter((delta) => !isMember(subject(delta)) && !isImplied(delta))
  const owners = new Map<string, string>()
  for (const delta of deltas) {
    if (delta.verb === 'unlink' && delta.edge.kind === 'owner')
      owners.set(encodeId(delta.edge.from), nameOf(delta.edge.to))
  }
  return deltas.flatMap((delta): readonly FactChange[] => {
    switch (delta.verb) {
      case 'add':
        return [{ verb: 'added', fact: delta.fact }]
      case 'remove':
        return [{ verb: 'removed', fact: delta.fact }]
      case 'set':
        return [{ verb: 'altered', id: delta.id, attribute: delta.attr, from: delta.from, to: delta.to }]
      case 'link': {
        const from = delta.edge.kind === 'owner' ? owners.get(encodeId(delta.edge.from)) : undefined
        return from === undefined ? [] : [{ verb: 'owner', id: delta.edge.from, from, to: nameOf(delta.edge.to) }]
      }
      case 'unlink':
        return []
      default:
        throw new Error(`pg-delta knows a change that Greenlight does not: ${JSON.stringify(delta satisfies never)}`)
    }
  })
}

/** The rights of an owner that nobody granted: they come and go with the object, or with its owner. */
function isImplied(delta: Delta): boolean {
  if ((delta.verb !== 'add' && delta.verb !== 'remove') || delta.fact.id.kind !== 'acl') return false
  const { privileges, _ownerDefault } = delta.fact.payload
  return _ownerDefault !== undefined && JSON.stringify(privileges) === JSON.stringify(_ownerDefault)
}

export const idText = encodeId

function subject(delta: Delta): ObjectId {
  if (delta.verb === 'set') return delta.id
  return delta.verb === 'link' || delta.verb === 'unlink' ? delta.edge.from : delta.fact.id
}

function extensionMembers(facts: Facts): readonly string[] {
  return facts.edges.filter((edge) => edge.kind === 'memberOfExtension').map((edge) => encodeId(edge.from))
}

const nameOf = (id: ObjectId) => ('name' in id ? id.name : encodeId(id))

/** One statement on the way from one schema to another. */
export type SchemaAction = {
  readonly sql: string
  readonly verb: 'create' | 'alter' | 'drop'
  readonly produces: readonly ObjectId[]
  readonly consumes: readonly ObjectId[]
  readonly destroys: readonly ObjectId[]
  /** It takes something away, or rewrites values. */
  readonly destructive: boolean
}

/** The statements that make the first schema into the second, in an order that works. Pure. */
export function actionsBetween(from: Facts, to: Facts): readonly SchemaAction[] {
  return plan(from, to).actions.map(({ sql, verb, produces, consumes, destroys, dataLoss }) => ({
    sql,
    verb,
    produces,
    consumes,
    destroys,
    destructive: destroys.length > 0 || dataLoss !== 'none' || verb === 'drop',
  }))
}

/** As `extractFacts`, of a server of somebody else's: in one read-only transaction. */
export async function extractFactsFrom(url: string): Promise<Facts> {
  const pool = new pg.Pool({ connectionString: url, max: 1, options: '-c default_transaction_read_only=on' })
  try {
    return (await extract(pool)).factBase
  } finally {
    await pool.end()
  }
}
