import type { Connection } from '../database/engine.ts'
import { platformSchemas } from '../model/platform-schemas.ts'

/** What a contract can be told from: tables, columns, keys, functions; counts and no row. */
export type Shape = {
  readonly users: number
  readonly tables: readonly Table[]
  readonly functions: readonly AppFunction[]
}

export type Table = {
  /** `schema.name`, as a contract writes it. */
  readonly name: string
  readonly rows: number
  readonly columns: readonly Column[]
  /** Column sets that name a row, the primary key first. */
  readonly keys: readonly (readonly string[])[]
  readonly links: readonly Link[]
  /** Texts of the check constraints. */
  readonly checks: readonly string[]
}

export type Column = {
  readonly name: string
  /** Name in the catalogue, of a domain's base: `uuid`. */
  readonly type: string
  readonly required: boolean
  /** Of an enum, in order. */
  readonly labels: readonly string[]
}

/** A foreign key of one column. */
export type Link = { readonly column: string; readonly table: string; readonly key: string }

export type AppFunction = {
  readonly name: string
  readonly args: readonly string[]
  readonly argTypes: readonly string[]
  readonly returns: string
}

/** Reads the app's own tables. Throws what Postgres says. */
export async function takeShape(session: Connection): Promise<Shape> {
  const tables = await session.query<Omit<Table, 'rows'> & { readonly sql: string }>(tablesQuery, [platformSchemas])
  const counted: Table[] = []
  for (const { sql, ...table } of tables.rows) {
    const { rows } = await session.query<{ rows: number }>(`select count(*)::float8 as rows from ${sql}`)
    counted.push({ ...table, rows: rows[0]?.rows ?? 0 })
  }
  const functions = await session.query<AppFunction>(functionsQuery)
  const users = await session.query<{ users: number }>('select count(*)::float8 as users from auth.users')
  return { users: users.rows[0]?.users ?? 0, tables: counted, functions: functions.rows }
}

const tablesQuery = `
select n.nspname || '.' || c.relname as name, format('%I.%I', n.nspname, c.relname) as sql,
  (select coalesce(json_agg(json_build_object('name', a.attname, 'type', coalesce(b.typname, t.typname), 'required', a.attnotnull,
      'labels', (select coalesce(json_agg(e.enumlabel order by e.enumsortorder), '[]') from pg_enum e where e.enumtypid = t.oid)) order by a.attnum), '[]')
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select coalesce(json_agg(k.names order by k.indisprimary desc, k.names::text), '[]') from (
    select i.indisprimary, (select json_agg(a.attname order by u.place) from unnest(i.indkey::int2[]) with ordinality u (attnum, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum where u.place <= i.indnkeyatts) as names
    from pg_index i where i.indrelid = c.oid and i.indisunique and i.indpred is null and i.indexprs is null) k) as keys,
  (select coalesce(json_agg(json_build_object('column', a.attname, 'table', fn.nspname || '.' || f.relname, 'key', fa.attname) order by a.attname, f.relname), '[]')
    from pg_constraint k join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1] join pg_attribute fa on fa.attrelid = f.oid and fa.attnum = k.confkey[1]
    where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1) as links,
  (select coalesce(json_agg(pg_get_constraintdef(k.oid) order by k.conname), '[]') from pg_constraint k where k.conrelid = c.oid and k.contype = 'c') as checks
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't' and n.nspname <> all ($1)
  and n.nspname !~ '^pg_' and n.nspname !~ '\\.' and c.relname !~ '\\.'
  and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')
order by n.nspname <> 'public', n.nspname collate "C", c.relname collate "C"`

const functionsQuery = `
select p.proname::text as name, coalesce(p.proargnames[1:p.pronargs], '{}')::text[] as args,
  (select coalesce(array_agg(t::regtype::text order by o), '{}') from unnest(p.proargtypes::oid[]) with ordinality u (t, o)) as "argTypes",
  pg_get_function_result(p.oid) as returns
from pg_proc p where p.pronamespace = to_regnamespace('public') and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
  and not exists (select from pg_depend x where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e')
order by p.proname collate "C", p.oid`
