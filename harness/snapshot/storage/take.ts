import type { Connection } from '../../database/engine.ts'
import { displayName, qualified } from '../../database/identifiers.ts'
import { platformSchemas } from '../../model/platform-schemas.ts'

export type StoredIndex = {
  readonly oid: number
  readonly name: string
  /** Without its name: `UNIQUE public.tasks USING btree (id)`. */
  readonly definition: string
  readonly bytes: number
  /** It keeps a rule: a key, a unique or an exclusion constraint. It is there whether reads use it or not. */
  readonly enforces: boolean
  /** Its first columns are those of a foreign key: deletes of the other table's rows use it. */
  readonly servesReference: boolean
}

/** A table, partition or materialised view, with what its files take. Bytes are whole blocks, exact. */
export type StoredTable = {
  readonly oid: number
  /** `public.tasks` */
  readonly object: string
  /** Quoted. */
  readonly sql: string
  readonly schema: string
  /** Exact right after `refreshStatistics`. */
  readonly rows: number
  readonly bytes: number
  /** Values that are kept out of line. */
  readonly toastBytes: number
  readonly indexes: readonly StoredIndex[]
}

/** Bytes of a table with all that belongs to it. */
export function totalBytes({ bytes, toastBytes, indexes }: StoredTable): number {
  return indexes.reduce((sum, index) => sum + index.bytes, bytes + toastBytes)
}

type Row = Omit<StoredTable, 'object' | 'sql'> & { readonly name: string; readonly schema: string }

const ownSchema = (column: string) => `${column} !~ '^pg_' and ${column} <> 'information_schema'`

/** What every table takes, but Postgres' own. Throws `database.failed`. */
export async function takeStorage(session: Connection): Promise<readonly StoredTable[]> {
  const { rows } = await session.query<Row>(
    `select c.oid::int, n.nspname as schema, c.relname as name, greatest(c.reltuples, 0)::float8 as rows,
       pg_relation_size(c.oid)::float8 as bytes,
       (case when c.reltoastrelid = 0 then 0 else pg_relation_size(c.reltoastrelid) end)::float8 as "toastBytes",
       (select coalesce(json_agg(json_build_object('oid', i.indexrelid::int, 'name', x.relname,
           'definition', regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .*? ON ', '\\1'),
           'bytes', pg_relation_size(x.oid), 'enforces', i.indisunique or i.indisexclusion,
           'servesReference', exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'
             and k.conkey <@ (i.indkey::int2[])[0:cardinality(k.conkey) - 1])) order by x.relname collate "C"), '[]')
         from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and x.relkind = 'i') as indexes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and c.relpersistence <> 't' and ${ownSchema('n.nspname')}
     order by n.nspname collate "C", c.relname collate "C"`,
  )
  return rows.map(({ name, ...row }) => ({
    ...row,
    object: displayName(row.schema, name),
    sql: qualified(row.schema, name),
  }))
}

/**
 * Vacuums and analyses every table of the app, so that statistics are fresh and dead rows are gone, as autovacuum leaves
 * them in production. Those of the platform that the app reads come along. Takes a clone.
 */
export async function refreshStatistics(session: Connection): Promise<void> {
  const { rows } = await session.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm') and not c.relispartition and c.relpersistence <> 't' and ${ownSchema('n.nspname')}
       and (n.nspname in ('auth', 'storage') or n.nspname <> all ($1))
     order by n.nspname collate "C", c.relname collate "C"`,
    [platformSchemas],
  )
  if (rows.length === 0) return
  await session.query(`vacuum (analyze) ${rows.map(({ schema, name }) => qualified(schema, name)).join(', ')}`)
}
