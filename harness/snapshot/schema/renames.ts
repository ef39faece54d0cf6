import { displayName } from '../../database/identifiers.ts'
import type { FactChange, ObjectFact } from './delta.ts'
import type { SchemaFacts } from './take-schema.ts'

/** Old names, as `schema.table` and `schema.table/column`, with the new name of each. */
export type Renames = { readonly tables: ReadonlyMap<string, string>; readonly columns: ReadonlyMap<string, string> }

type SchemaSide = Pick<SchemaFacts, 'relations'>

/** Relations that kept their oid, and columns that kept their place in such a relation, under another name. Pure. */
export function findRenames(before: SchemaSide, after: SchemaSide, changes: readonly FactChange[]): Renames {
  const nameByOid = new Map([...after.relations].map(([name, oid]) => [oid, name]))
  const tables = new Map<string, string>()
  for (const [name, oid] of before.relations) {
    const other = nameByOid.get(oid)
    if (other !== undefined && other !== name && !after.relations.has(name) && !before.relations.has(other))
      tables.set(name, other)
  }
  const added = new Map<string, string>()
  for (const column of columnsOf(changes, 'added')) added.set(`${column.table}/${column.position}`, column.name)
  const columns = new Map<string, string>()
  for (const column of columnsOf(changes, 'removed')) {
    const table = tables.get(column.table) ?? column.table
    if (before.relations.get(column.table) !== after.relations.get(table)) continue
    const name = added.get(`${table}/${column.position}`)
    if (name !== undefined) columns.set(`${column.table}/${column.name}`, name)
  }
  return { tables, columns }
}

function columnsOf(changes: readonly FactChange[], verb: 'added' | 'removed') {
  return changes.flatMap((change) => {
    if (change.verb !== verb || change.fact.id.kind !== 'column') return []
    const { schema, table, name } = change.fact.id
    return [{ table: displayName(schema, table), name, position: positionOf(change.fact) }]
  })
}

const positionOf = (fact: ObjectFact) => String(fact.payload._position)
