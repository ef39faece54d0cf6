import type { ObjectName } from './words.ts'

/** What a statement of a dump is, by its own words. */
export type Classified =
  | EntryStatement
  /** It belongs to an object that stands before it; `otherwise`: the entry that it is when there is none. */
  | { readonly is: 'part'; readonly of: string; readonly owner?: string; readonly otherwise: EntryStatement }
  | { readonly is: 'setting'; readonly name: string; readonly value: string }
  /** It makes a large object, or fills one. */
  | { readonly is: 'large-object'; readonly call: string; readonly oid: string }
  /** What a script makes anew later, or for a while only, is dropped in it. */
  | { readonly is: 'drop'; readonly key: string }
  | { readonly is: 'skip' }
  | { readonly is: 'refuse'; readonly what: string }

export type EntryStatement = {
  readonly is: 'entry'
  /** Of the entry that pg_dump makes of it in a table of contents; its name is as there. */
  readonly type: string
  readonly schema?: string
  readonly name: string
  /** By which others find what it makes. */
  readonly key?: string
  /** Keys of what it needs. */
  readonly needs: readonly string[]
  /** Statements of the same name that follow each other are one entry. */
  readonly grouped?: true
}

export function refuse(what: string): Classified {
  return { is: 'refuse', what }
}

/** An entry about `of`: in its schema. */
export function entryOn(type: string, of: ObjectName, name: string, needs: readonly string[]): EntryStatement {
  return { is: 'entry', type, ...(of.schema === undefined ? {} : { schema: of.schema }), name, needs }
}
