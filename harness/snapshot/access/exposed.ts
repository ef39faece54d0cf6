import type { Connection } from '../../database/engine.ts'
import { displayName, qualified } from '../../database/identifiers.ts'
import { platformSchemas } from '../../model/platform-schemas.ts'
import type { Grants, Relation } from './facts.ts'

export type Exposed = Pick<
  Relation,
  'oid' | 'schema' | 'table' | 'name' | 'kind' | 'rowSecurity' | 'passesBy' | 'columns' | 'key' | 'grants'
>

/** Tables of the platform that clients reach as well: Storage and Realtime ask their policies under the caller's role. */
const platformTables = ['storage.objects', 'storage.buckets', 'realtime.messages']

/**
 * Tables, views and materialised views that a request can reach: of the schemas in `pgrst.db_schemas` where a role or
 * the database sets it, else of every schema of the app that anon or authenticated may use. `public` always counts.
 */
export async function readExposed(
  session: Connection,
  roles: readonly string[],
): Promise<{ relations: Exposed[]; skipped: { relation: string; reason: string }[] }> {
  const schemas = await exposedSchemas(session)
  const { rows } = await session.query<RelationRow>(relationsSql, [schemas, platformTables, roles])
  const relations: Exposed[] = []
  const skipped: { relation: string; reason: string }[] = []
  for (const row of rows) {
    const name = displayName(row.schema, row.name)
    if (row.relkind === 'f') {
      skipped.push({ relation: name, reason: 'its rows are on another server' })
      continue
    }
    const kind = row.relkind === 'v' || row.relkind === 'm' ? 'view' : 'table'
    const byId = kind === 'view' && row.columns.includes('id') ? ['id'] : row.columns
    relations.push({
      oid: row.oid,
      schema: row.schema,
      table: row.name,
      name,
      kind,
      rowSecurity: row.row_security,
      passesBy: row.passes_by,
      columns: row.columns,
      key: row.key ? { columns: row.key, unique: true } : { columns: byId, unique: byId !== row.columns },
      grants: Object.fromEntries(row.grants.map(({ role, ...grants }) => [role, grants])),
    })
  }
  return { relations, skipped }
}

/** `"schema"."table"` */
export function relationSql({ schema, table }: Pick<Relation, 'schema' | 'table'>): string {
  return qualified(schema, table)
}

type RelationRow = {
  oid: number
  schema: string
  name: string
  relkind: string
  row_security: boolean
  passes_by: string[]
  columns: string[]
  key: string[] | null
  grants: ({ role: string } & Grants)[]
}

/** Schemas of the app that the Data API serves. */
export async function exposedSchemas(session: Connection): Promise<string[]> {
  const { rows: set } = await session.query<{ schemas: string }>(`
    select split_part(setting, '=', 2) as schemas from pg_db_role_setting, unnest(setconfig) as setting
    where setting like 'pgrst.db_schemas=%' and setdatabase in (0, (select oid from pg_database where datname = current_database()))
    order by setdatabase desc, setrole desc limit 1`)
  const configured = set[0]?.schemas.split(',').map((name) => name.trim())
  if (configured !== undefined) return configured.filter((name) => isAppSchema(name))
  const { rows } = await session.query<{ name: string }>(`
    select nspname as name from pg_namespace
    where nspname = 'public' or exists (select from pg_roles r where r.rolname in ('anon', 'authenticated')
      and has_schema_privilege(r.oid, pg_namespace.oid, 'usage'))
    order by nspname collate "C"`)
  return rows.map(({ name }) => name).filter((name) => isAppSchema(name))
}

/**
 * Rows of extensions' own tables are not the app's; a partition counts, since its parent's policies do not guard it. A
 * view passes by what the views in it read, but for those with the caller's rights: they ask the caller wherever they stand.
 */
const relationsSql = `
with relation as (
  select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.reloptions, n.oid as namespace, n.nspname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (n.nspname = any ($1) or n.nspname || '.' || c.relname = any ($2))
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select c.oid::int, c.nspname as schema, c.relname as name, c.relkind, c.relrowsecurity as row_security,
  (with recursive read(oid) as (
      select d.refobjid from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
      where w.ev_class = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
      union select d.refobjid from read join pg_class v on v.oid = read.oid and not invoker(v)
        join pg_rewrite w on w.ev_class = v.oid
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
      where d.refclassid = 'pg_class'::regclass and d.refobjid <> read.oid)
    select coalesce(array_agg(distinct t.relname::text), '{}') from read join pg_class t on t.oid = read.oid and t.relrowsecurity
    join pg_roles o on o.oid = c.relowner
    where c.relkind in ('v', 'm')
      and not invoker(c)
      and (o.rolsuper or o.rolbypassrls or (pg_has_role(o.oid, t.relowner, 'USAGE') and not t.relforcerowsecurity))
  ) as passes_by,
  (select coalesce(array_agg(a.attname::text order by a.attnum), '{}') from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select array_agg(a.attname::text order by k.position)
    from unnest((select (i.indkey::int2[])[0:i.indnkeyatts - 1] from pg_index i
      where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]) and not a.attnotnull)
      order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1)) with ordinality as k(attnum, position)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum) as key,
  (select coalesce(json_agg(json_build_object('role', r.rolname,
      'select', columns_with('SELECT'), 'insert', columns_with('INSERT'), 'update', columns_with('UPDATE'),
      'delete', usage.ok and has_table_privilege(r.oid, c.oid, 'DELETE'),
      'bypass', r.rolsuper or r.rolbypassrls or (pg_has_role(r.oid, c.relowner, 'USAGE') and not c.relforcerowsecurity)
    ) order by r.rolname collate "C"), '[]')
    from pg_roles r, lateral (select has_schema_privilege(r.oid, c.namespace, 'USAGE') as ok) usage
    where r.rolname = any ($3)) as grants
from relation c order by c.nspname collate "C", c.relname collate "C"`
  .replaceAll(
    /invoker\((\w)\)/g,
    (_, view) => `exists (select from pg_options_to_table(${view}.reloptions) x
      where x.option_name = 'security_invoker' and x.option_value::boolean)`,
  )
  .replaceAll(
    /columns_with\('(\w+)'\)/g,
    (_, privilege) => `(select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and usage.ok
          ${privilege === 'SELECT' ? '' : `and a.attgenerated = ''`}
          and has_column_privilege(r.oid, c.oid, a.attnum, '${privilege}'))`,
  )

function isAppSchema(name: string): boolean {
  return !platformSchemas.includes(name) && !name.startsWith('pg_')
}
