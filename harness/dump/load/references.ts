import type { Connection } from '../../database/engine.ts'
import { qualified, quoteIdentifier } from '../../database/identifiers.ts'
import type { BrokenReference } from '../../model/restore-run.ts'

type ForeignKey = {
  readonly schema: string
  readonly table: string
  readonly constraint: string
  readonly columns: readonly string[]
  readonly targetSchema: string
  readonly target: string
  readonly targetColumns: readonly string[]
  /** Of the target's column with the own one: names of types in any schema, whatever the search_path. */
  readonly operators: readonly string[]
}

/**
 * Looks at every validated foreign key of the tables for rows without a partner: what was loaded as a replica, nothing
 * has checked. Only keys that are broken are returned, with their number of rows.
 */
export async function checkReferences(
  connection: Connection,
  tables: readonly { readonly schema: string; readonly name: string }[],
): Promise<BrokenReference[]> {
  const { rows: keys } = await connection.query<ForeignKey>(
    `SELECT cn.nspname AS schema, c.relname AS table, k.conname AS constraint, tn.nspname AS "targetSchema", t.relname AS target,
            (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, n)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
            (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u (attnum, n)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum) AS "targetColumns",
            (SELECT array_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) ORDER BY u.n)
               FROM unnest(k.conpfeqop) WITH ORDINALITY u (operator, n)
               JOIN pg_catalog.pg_operator o ON o.oid = u.operator
               JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace) AS operators
       FROM pg_catalog.pg_constraint k
       JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
       JOIN pg_catalog.pg_class t ON t.oid = k.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
      WHERE k.contype = 'f' AND k.convalidated AND (cn.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))
      ORDER BY 1, 2, 3`,
    [tables.map(({ schema }) => schema), tables.map(({ name }) => name)],
  )
  const broken: BrokenReference[] = []
  for (const key of keys) {
    const { rows } = await connection.query<{ rows: string }>(countSql(key))
    const count = Number(rows[0]?.rows ?? 0)
    if (count > 0) broken.push({ schema: key.schema, table: key.table, constraint: key.constraint, rows: count })
  }
  return broken
}

/** A row with a NULL in its key refers to nothing. */
function countSql(key: ForeignKey): string {
  const own = key.columns.map((column) => `r.${quoteIdentifier(column)}`)
  const pairs = own.map((column, i) => `p.${quoteIdentifier(key.targetColumns[i] ?? '')} ${key.operators[i]} ${column}`)
  return `SELECT count(*) AS rows FROM ${qualified(key.schema, key.table)} r
    WHERE ${own.map((column) => `${column} IS NOT NULL`).join(' AND ')}
      AND NOT EXISTS (SELECT FROM ${qualified(key.targetSchema, key.target)} p WHERE ${pairs.join(' AND ')})`
}
