import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import type { LedgerCatalog, LedgerTable } from './catalog.ts'
import { ledgerSchema } from './schemas.ts'

/** Columns of one table that name a row of another. */
export type Reference = {
  readonly child: string
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  /** The foreign key; undefined for a reference told by its name (`event_id` beside `events`). */
  readonly constraint?: string
  /** Declared and checked by Postgres: rows that break it are only made behind its back. */
  readonly validated: boolean
}

/** The foreign keys of the app, of auth and of storage, and the references that nobody declared. */
export async function takeReferences(connection: Connection, catalog: LedgerCatalog): Promise<readonly Reference[]> {
  const { rows } = await connection.query<DeclaredRow>(declaredQuery)
  const declared = rows
    .filter((row) => ledgerSchema(row.child_schema))
    .map(
      (row): Reference => ({
        child: displayName(row.child_schema, row.child),
        columns: row.columns,
        parent: displayName(row.parent_schema, row.parent),
        parentColumns: row.parent_columns,
        constraint: row.name,
        validated: row.validated,
      }),
    )
  return [...declared, ...undeclaredReferences(catalog, declared)].sort((left, right) =>
    referenceName(left) < referenceName(right) ? -1 : 1,
  )
}

export function referenceName(reference: Reference): string {
  return `${reference.child}(${reference.columns.join(', ')}) → ${reference.parent}`
}

/** `<singular of a table>_id` with the type of that table's one key column; `user_id` is of auth.users where the schema has no users. */
function undeclaredReferences(catalog: LedgerCatalog, declared: readonly Reference[]): readonly Reference[] {
  const known = new Set(
    declared.flatMap((reference) => reference.columns.map((column) => `${reference.child}/${column}`)),
  )
  const byObject = new Map(catalog.tables.map((table) => [table.object, table]))
  const found: Reference[] = []
  for (const table of catalog.tables) {
    if (table.schema === 'auth' || table.schema === 'storage') continue
    for (const column of table.columns) {
      const [, word] = /^(.+)_id$/.exec(column.name) ?? []
      if (word === undefined || known.has(`${table.object}/${column.name}`)) continue
      const parent = plurals(word)
        .map((name) => byObject.get(displayName(table.schema, name)))
        .concat(word === 'user' ? byObject.get('auth.users') : undefined)
        .find((candidate) => candidate !== undefined && keyType(candidate) === column.base)
      const [key] = parent?.keys[0] ?? []
      if (!parent || key === undefined) continue
      found.push({
        child: table.object,
        columns: [column.name],
        parent: parent.object,
        parentColumns: [key],
        validated: false,
      })
    }
  }
  return found
}

function plurals(word: string): readonly string[] {
  return [`${word}s`, `${word}es`, ...(word.endsWith('y') ? [`${word.slice(0, -1)}ies`] : []), word]
}

function keyType(table: LedgerTable): string | undefined {
  const [key] = table.keys
  return key?.length === 1 ? table.columns.find((column) => column.name === key[0])?.base : undefined
}

type DeclaredRow = {
  readonly name: string
  readonly validated: boolean
  readonly child_schema: string
  readonly child: string
  readonly parent_schema: string
  readonly parent: string
  readonly columns: string[]
  readonly parent_columns: string[]
}

const declaredQuery = `
SELECT con.conname AS name, con.convalidated AS validated, cn.nspname AS child_schema, c.relname AS child,
  pn.nspname AS parent_schema, p.relname AS parent,
  (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(con.conkey) WITH ORDINALITY AS u (attnum, place)
   JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum) AS columns,
  (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(con.confkey) WITH ORDINALITY AS u (attnum, place)
   JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum) AS parent_columns
FROM pg_constraint con
JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = con.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE con.contype = 'f' AND con.conparentid = 0 AND NOT c.relispartition`
