import type { Classified, EntryStatement } from './classified.ts'
import { type Draft, newDraft } from './draft.ts'
import { relationKey, sectionOf } from './object-kinds.ts'
import type { ScriptPlace } from './parts.ts'
import type { RowsTarget } from './rows-statement.ts'

/** Told by the statement alone, whatever a comment in front of it says: some are never restored as they stand, some are no SQL. */
const guardedTypes: ReadonlySet<string> = new Set([
  ...['SUBSCRIPTION', 'EVENT TRIGGER', 'USER MAPPING', 'EXTENSION', 'STATISTICS DATA', 'TABLE DATA', 'BLOBS'],
  ...['ROLE', 'ROLE SETTINGS', 'ROLE MEMBERSHIP', 'TABLESPACE', 'DATABASE', 'DATABASE PROPERTIES'],
])
/** Kinds of statements that pg_dump files under another type. */
const filedUnder: Readonly<Record<string, readonly string[]>> = {
  VIEW: ['RULE'],
  TYPE: ['SHELL TYPE'],
  'CHECK CONSTRAINT': ['CONSTRAINT'],
}
/** Never behind the rows, wherever they stand. */
const neverPostponed: ReadonlySet<string> = new Set([...guardedTypes, 'BLOB'])
const shared = '-- load via partition root: other rows go there too'

/** The entries of a script while they are made, found by what they are called. */
export class Drafts {
  readonly all: Draft[] = []
  readonly #byKey = new Map<string, Draft>()
  readonly #rows = new Map<string, Draft[]>()
  #largeObjects: Draft | undefined
  #behindRows = false

  newDatabase(): void {
    this.#behindRows = false
  }

  /** Whether the statement may be part of an entry that was announced so. */
  fits({ type }: EntryStatement, announced: { readonly type: string }): boolean {
    return type === announced.type || (filedUnder[type]?.includes(announced.type) ?? false)
  }

  /** Whether the statement must not be put under another type. */
  guarded({ type }: EntryStatement, draft: Draft): boolean {
    return type !== draft.type && (guardedTypes.has(type) || guardedTypes.has(draft.type))
  }

  add(entry: EntryStatement & { readonly owner?: string }, place: ScriptPlace, keys: readonly string[] = []): Draft {
    const { type, schema, name, owner = '', needs } = entry
    const section = sectionOf(type, false)
    const postponed = this.#behindRows && section === 'pre-data' && !neverPostponed.has(type)
    if (section === 'data' || section === 'post-data') this.#behindRows = true
    const draft: Draft = {
      ...newDraft({ type, schema, name, owner, place }),
      keys: [...keys],
      needs: new Set(needs),
      postponed,
    }
    this.all.push(draft)
    for (const key of keys) this.#byKey.set(key, draft)
    return draft
  }

  drop(key: string): void {
    const draft = this.#byKey.get(key)
    if (!draft) return
    this.#byKey.delete(key)
    this.all.splice(this.all.indexOf(draft), 1)
  }

  /** Where a statement belongs that no comment announces. */
  find(statement: Extract<Classified, { is: 'entry' | 'part' }>, place: ScriptPlace): Draft {
    if (statement.is === 'part') {
      const { otherwise } = statement
      return this.#byKey.get(statement.of) ?? this.add(otherwise, place, otherwise.key ? [otherwise.key] : [])
    }
    const last = this.all.at(-1)
    const { type, schema, name, key } = statement
    if (statement.grouped && last?.type === type && last.schema === schema && last.name === name) return last
    if (type === 'VIEW' && key !== undefined && this.#byKey.has(key)) {
      // A view that needs a constraint is made twice: as a stand-in, and for good behind the constraint.
      return this.add({ ...statement, type: 'RULE', name: `${name} _RETURN` }, place)
    }
    return this.add(statement, place, key === undefined ? [] : [key])
  }

  extend(draft: Draft, statement: Extract<Classified, { is: 'entry' | 'part' }>, texts: readonly string[]): void {
    const own = statement.is === 'entry' ? statement : statement.otherwise
    draft.statements.push(...texts)
    for (const need of own.needs) draft.needs.add(need)
    if (statement.is === 'part' && statement.owner !== undefined) draft.owner ||= statement.owner
    const [table] = own.needs
    if ((draft.type === 'CONSTRAINT' || draft.type === 'INDEX') && table !== undefined)
      draft.keys.push(`unique ${table}`)
  }

  /** Where rows belong. `announced`: the entry of the comment in front of them. */
  rows(announced: Draft | undefined, { table, statement }: RowsTarget, place: ScriptPlace): Draft {
    const key = relationKey(table)
    const others = this.#rows.get(key) ?? []
    const same = announced ?? others.find((draft) => draft.copyStatement === statement)
    if (same && (same.copyStatement === '' || same.copyStatement === statement)) {
      same.copyStatement = statement
      if (!others.includes(same)) this.#share(key, [...others, same])
      return same
    }
    const schema = table.schema === undefined ? {} : { schema: table.schema }
    const draft = this.add({ is: 'entry', type: 'TABLE DATA', ...schema, name: table.name, needs: [key] }, place)
    draft.copyStatement = statement
    this.#share(key, [...others, draft])
    return draft
  }

  largeObjects(place: ScriptPlace): Draft {
    this.#largeObjects ??= this.add({ is: 'entry', type: 'BLOBS', name: 'BLOBS', needs: [] }, place)
    return this.#largeObjects
  }

  /** A table that several entries fill must not be emptied before one of them. */
  #share(key: string, drafts: Draft[]): void {
    this.#rows.set(key, drafts)
    if (drafts.length < 2) return
    for (const { statements } of drafts) if (statements.length === 0) statements.push(shared)
  }
}
