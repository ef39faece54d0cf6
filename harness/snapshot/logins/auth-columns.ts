import type { Connection } from '../../database/engine.ts'

/** Columns of each table of schema auth. A dump without auth gives none; an older GoTrue has fewer than today's. */
export type AuthColumns = ReadonlyMap<string, ReadonlySet<string>>

export async function readAuthColumns(session: Connection): Promise<AuthColumns> {
  const { rows } = await session.query<{ relation: string; columns: string[] }>(`
    select c.relname as relation, array_agg(a.attname::text) as columns
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = (select oid from pg_namespace where nspname = 'auth') and c.relkind in ('r', 'p')
    group by c.relname`)
  return new Map(rows.map(({ relation, columns }) => [relation, new Set(columns)]))
}

/** `prefix.column`, or `null::type` where this GoTrue has no such column. */
export function columnOrNull(columns: AuthColumns, table: string, column: string, type: string): string {
  return columns.get(table)?.has(column) ? `${table}."${column}"` : `null::${type}`
}
