import { quoteIdentifier } from '../../database/identifiers.ts'
import type { LedgerCatalog, LedgerColumn, LedgerTable } from './catalog.ts'
import { comparable, image, looseText, reference, text } from './image.ts'

/** How the tables of two databases belong together. */
export type LedgerPlan = {
  readonly pairs: readonly TablePair[]
  readonly dropped: readonly LedgerTable[]
  readonly created: readonly LedgerTable[]
}

export type TablePair = {
  readonly before: LedgerTable
  readonly after: LedgerTable
  readonly common: readonly ColumnPair[]
  readonly dropped: readonly LedgerColumn[]
  readonly added: readonly LedgerColumn[]
  /** Names of the key's columns on each side; undefined where nothing names a row on both: rows are then told by their content. */
  readonly key?: { readonly before: readonly string[]; readonly after: readonly string[] }
}

type ColumnPair = { readonly before: LedgerColumn; readonly after: LedgerColumn }

/**
 * Tables belong together by name; one that is left over on each side, by its oid, which a clone keeps: it was renamed.
 * The same holds for columns, by their position.
 */
export function planLedger(before: LedgerCatalog, after: LedgerCatalog): LedgerPlan {
  const afterByName = new Map(after.tables.map((table) => [table.object, table]))
  const beforeNames = new Set(before.tables.map((table) => table.object))
  const clone = isClone(before, after)
  const leftByOid = new Map(
    after.tables.filter((table) => !beforeNames.has(table.object)).map((table) => [table.oid, table]),
  )
  const pairs: TablePair[] = []
  const dropped: LedgerTable[] = []
  for (const table of before.tables) {
    const other = afterByName.get(table.object) ?? (clone ? leftByOid.get(table.oid) : undefined)
    if (other) pairs.push(pairTables(table, other, clone && table.oid === other.oid))
    else dropped.push(table)
  }
  const paired = new Set(pairs.map((pair) => pair.after))
  return { pairs, dropped, created: after.tables.filter((table) => !paired.has(table)) }
}

/** Oids mean something only between a database and its copy: most tables of one name then have one oid. */
function isClone(before: LedgerCatalog, after: LedgerCatalog): boolean {
  const oids = new Map(after.tables.map((table) => [table.object, table.oid]))
  const named = before.tables.filter((table) => oids.has(table.object))
  return named.filter((table) => oids.get(table.object) === table.oid).length * 2 >= named.length
}

function pairTables(before: LedgerTable, after: LedgerTable, sameTable: boolean): TablePair {
  const byName = new Map(after.columns.map((column) => [column.name, column]))
  const names = new Set(before.columns.map((column) => column.name))
  const left = new Map(
    after.columns.filter((column) => !names.has(column.name)).map((column) => [column.position, column]),
  )
  const all: ColumnPair[] = []
  const dropped: LedgerColumn[] = []
  for (const column of before.columns) {
    const other = byName.get(column.name) ?? (sameTable ? left.get(column.position) : undefined)
    if (other) all.push({ before: column, after: other })
    else if (column.generated === undefined) dropped.push(column)
  }
  const paired = new Set(all.map((pair) => pair.after))
  const key = commonKey(before, after, all)
  return {
    before,
    after,
    common: all.filter((pair) => pair.before.generated === undefined || pair.before.generated !== pair.after.generated),
    dropped,
    added: after.columns.filter((column) => !paired.has(column) && column.generated === undefined),
    ...(key ? { key } : {}),
  }
}

/** A key of before wherever its columns live on; else one of after: what it names uniquely now, it named then. */
function commonKey(before: LedgerTable, after: LedgerTable, columns: readonly ColumnPair[]): TablePair['key'] {
  const toAfter = new Map(columns.map((pair) => [pair.before.name, pair.after.name]))
  const toBefore = new Map(columns.map((pair) => [pair.after.name, pair.before.name]))
  for (const key of before.keys) {
    const names = key.map((name) => toAfter.get(name)).filter((name) => name !== undefined)
    if (names.length === key.length) return { before: key, after: names }
  }
  for (const key of after.keys) {
    const names = key.map((name) => toBefore.get(name)).filter((name) => name !== undefined)
    if (names.length === key.length) return { before: names, after: key }
  }
  return undefined
}

export type Side = 'before' | 'after'

/** The SQL of one side of a pair, and where its hashes lie in the record of a row: 8 bytes each, the key's first. */
export type SideLayout = {
  readonly columns: readonly string[]
  /** Hash of the whole row over the columns that both sides have. */
  readonly rowHash: string
  /** Hash of the key; of the whole row where there is none. */
  readonly keyHash: string
  /** Hashes after the key's, in the order of their slots. */
  readonly slots: readonly string[]
}

export type RowLayout = {
  readonly before: SideLayout
  readonly after: SideLayout
  readonly keyed: boolean
  readonly common: readonly CommonSlots[]
  readonly dropped: readonly { readonly name: string; readonly slot: number; readonly bool: boolean }[]
  readonly added: readonly { readonly name: string; readonly slot: number }[]
}

/** `strict` tells whether the value changed; `before` and `after` find it again in another column. Slots count from 1. */
type CommonSlots = {
  readonly name: string
  readonly nameAfter: string
  readonly strict: number
  readonly before: number
  readonly after: number
  readonly bool: boolean
  readonly kept: boolean
}

export const hashOf = (expression: string) => `hashtextextended((${expression}) COLLATE "C", 0)`

export function layoutOf(pair: TablePair, server: number): RowLayout {
  const forms = pair.common.map((columns) => formsOf(columns, server))
  const before: string[] = forms.map((form) => form.before)
  const after: string[] = forms.map((form) => form.after)
  const slot = (slots: string[], expression: string) => slots.push(expression)
  const common = pair.common.map((columns, index): CommonSlots => {
    const looseBefore = looseText(columns.before, server)
    const looseAfter = looseText(columns.after, server)
    return {
      name: columns.before.name,
      nameAfter: columns.after.name,
      strict: index + 1,
      before: looseBefore === before[index] ? index + 1 : slot(before, looseBefore),
      after: looseAfter === after[index] ? index + 1 : slot(after, looseAfter),
      bool: columns.before.base === 'bool',
      kept: columns.before.keptByTrigger || columns.after.keptByTrigger,
    }
  })
  const dropped = pair.dropped.map((column) => ({
    name: column.name,
    slot: slot(before, looseText(column, server)),
    bool: column.base === 'bool',
  }))
  const added = pair.added.map((column) => ({ name: column.name, slot: slot(after, looseText(column, server)) }))
  const side = (which: Side, slots: readonly string[]): SideLayout => {
    const rowHash = `hash_record_extended(ROW(${forms.map((form) => (which === 'before' ? form.imageBefore : form.imageAfter)).join(', ')}), 0)`
    return {
      columns: pair[which].columns.map((column) => column.name),
      rowHash: forms.length === 0 ? '0::bigint' : rowHash,
      keyHash: keyHash(pair, which, server) ?? (forms.length === 0 ? '0::bigint' : rowHash),
      slots: slots.map((expression) => `coalesce(${hashOf(expression)}, 0)`),
    }
  }
  return {
    before: side('before', before),
    after: side('after', after),
    keyed: pair.key !== undefined,
    common,
    dropped,
    added,
  }
}

function formsOf({ before, after }: ColumnPair, server: number) {
  if (before.type === after.type && before.deterministic === after.deterministic) {
    return { before: text(before), after: text(after), imageBefore: image(before), imageAfter: image(after) }
  }
  const forms = comparable(before, after, server)
  return { ...forms, imageBefore: `(${forms.before}) COLLATE "C"`, imageAfter: `(${forms.after}) COLLATE "C"` }
}

function keyHash(pair: TablePair, which: Side, server: number): string | undefined {
  if (!pair.key) return undefined
  const parts = pair.key[which].map((name) => {
    const columns = pair.common.find((common) => common[which].name === name)
    if (!columns) return `${reference({ name })}::text`
    return columns.before.type === columns.after.type
      ? text(columns[which])
      : comparable(columns.before, columns.after, server)[which]
  })
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return hashOf(only)
  return `hash_record_extended(ROW(${parts.map((part) => `(${part}) COLLATE "C"`).join(', ')}), 0)`
}

/** The key of a row as texts, one for each of its columns. */
export function keyTexts(columns: readonly string[]): string {
  return `ARRAY[${columns.map((name) => `ledger_row.${quoteIdentifier(name)}::text`).join(', ')}]`
}
