import type { Identity } from '../identities.ts'

/** What each identity may do with the rows of each relation that the Data API exposes, on one side. */
export type AccessFacts = {
  readonly identities: readonly Identity[]
  /** Sorted by name. */
  readonly relations: readonly Relation[]
  readonly policies: readonly Policy[]
  /** Sorted by relation, then in the order of `identities`. */
  readonly probes: readonly Probe[]
  /** Writes that Postgres refuses to plan for a role that has the privilege: a policy recurses, or names what is gone. */
  readonly brokenWrites: readonly BrokenWrite[]
  /** Oids of all ordinary tables, also of those that no request reaches. */
  readonly tables: readonly number[]
  /** Relations that were left out, with the reason: foreign tables. */
  readonly skipped: readonly { readonly relation: string; readonly reason: string }[]
}

export const apiRoles = ['anon', 'authenticated', 'service_role'] as const

export type Relation = {
  readonly oid: number
  readonly schema: string
  readonly table: string
  /** For people, and for findings: `public.profiles`. */
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly rowSecurity: boolean
  /** Of a view that runs with its owner's rights: the tables whose row security it so passes by. */
  readonly passesBy: readonly string[]
  /** Counted by the superuser; null for views. */
  readonly rows: number | null
  readonly columns: readonly string[]
  /** What tells one row from another: the primary key, a unique key, a view's `id`, else all columns. */
  readonly key: { readonly columns: readonly string[]; readonly unique: boolean }
  readonly grants: Readonly<Record<string, Grants>>
}

/** Columns that a role may SELECT, INSERT, UPDATE, and whether it may DELETE. All empty without USAGE on the schema. */
export type Grants = {
  readonly select: readonly string[]
  readonly insert: readonly string[]
  readonly update: readonly string[]
  readonly delete: boolean
  /** Row security does not hold for this role here: owner without FORCE, or BYPASSRLS. */
  readonly bypass: boolean
}

export type PolicyCommand = 'select' | 'insert' | 'update' | 'delete' | 'all'

export type Policy = {
  readonly relation: string
  readonly name: string
  readonly permissive: boolean
  readonly command: PolicyCommand
  /** Those of the probed roles that it applies to. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
  /** It asks for `user_metadata`, by itself or through a function that it calls: each user writes their own. */
  readonly asksUserMetadata: boolean
}

/** `seen`: rows that SELECT returns. `updatable`, `deletable`, `insertable`: those of them that pass that command's policies. */
export const rowSets = ['seen', 'updatable', 'deletable', 'insertable'] as const
export type RowSetName = (typeof rowSets)[number]

export type Probe = {
  readonly relation: string
  /** Index into `identities`. */
  readonly identity: number
  readonly outcome: Outcome
  /** Present where only a part of the rows was asked about: the condition that finds them (never print it), and how many there were before. */
  readonly only?: { readonly where: string; readonly rows: number }
  readonly milliseconds: number
}

export type BrokenWrite = {
  readonly relation: string
  readonly role: string
  readonly command: Exclude<RowSetName, 'seen'>
  readonly sqlstate: string
}

export type Outcome =
  | {
      readonly state: 'read'
      readonly sets: Readonly<Record<RowSetName, HashedSet>>
      /** The rows themselves where they are few, as `hash:mask` joined by commas (see `rowsQuery`), and the key they are told by. */
      readonly rows?: string
      /** Where they are many, a few of them in the same form. */
      readonly some?: string
      readonly key: readonly string[]
    }
  /** SQLSTATE 42501: no right to read, which is no rows. */
  | { readonly state: 'denied' }
  | { readonly state: 'failed'; readonly sqlstate: string }

/** Number of rows and a hash of their keys that does not depend on their order. */
export type HashedSet = { readonly count: number; readonly hash: string }

export const emptySet: HashedSet = { count: 0, hash: '0' }
const noRows = { seen: emptySet, updatable: emptySet, deletable: emptySet, insertable: emptySet }

export function setsOf(outcome: Outcome): Readonly<Record<RowSetName, HashedSet>> {
  return outcome.state === 'read' ? outcome.sets : noRows
}

/** By relation, then by identity. */
export function inOrder(probes: readonly Probe[]): Probe[] {
  return probes.toSorted((a, b) =>
    a.relation < b.relation ? -1 : a.relation > b.relation ? 1 : a.identity - b.identity,
  )
}

export const placeOf = ({ relation, identity }: Pick<Probe, 'relation' | 'identity'>) => `${relation}\n${identity}`

/** The facts with these probes, each in the place of an earlier one of the same relation and identity. */
export function withProbes(facts: AccessFacts, probes: readonly Probe[]): AccessFacts {
  const again = new Set(probes.map(placeOf))
  return { ...facts, probes: inOrder([...facts.probes.filter((probe) => !again.has(placeOf(probe))), ...probes]) }
}
