import type { Database } from '../database/engine.ts'
import { displayName } from '../database/identifiers.ts'

/** Rows by Postgres' estimate (0 where it has none), bytes with indexes and TOAST. */
export type TableSize = { readonly rows: number; readonly bytes: number }

/** How large each table is, by name (`public.tasks`). Throws `database.failed`. */
export async function takeTableSizes(database: Database): Promise<ReadonlyMap<string, TableSize>> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight sizes' })
  const { rows } = await session.query<TableSize & { readonly schema: string; readonly name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name, greatest(c.reltuples, 0)::float8 AS rows,
       pg_total_relation_size(c.oid)::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
  )
  return new Map(rows.map(({ schema, name, ...size }) => [displayName(schema, name), size]))
}
