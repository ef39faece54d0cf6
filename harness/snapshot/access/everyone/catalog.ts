import type { Connection } from '../../../database/engine.ts'

export type Table = {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly owner: string
  readonly rowSecurity: boolean
  readonly force: boolean
  /** A view that asks with the caller's rights. */
  readonly invoker: boolean
  readonly columns: readonly string[]
  /** Columns of each unique index on all rows. */
  readonly unique: readonly (readonly string[])[]
}

export type TablePolicy = {
  readonly table: number
  readonly permissive: boolean
  /** As in pg_policy: r, a, w, d or *. */
  readonly command: string
  /** Names of roles; `public` for all. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

export type StoredFunction = {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly language: string
  readonly kind: string
  readonly volatility: string
  readonly definer: boolean
  readonly strict: boolean
  readonly returnsSet: boolean
  readonly returnType: string
  readonly owner: string
  /** Types of the arguments that are passed in; names, empty where there is none; defaults, as SQL. */
  readonly argumentTypes: readonly string[]
  readonly argumentNames: readonly string[]
  readonly defaults: readonly (string | null)[]
  /** Whether all arguments are plain ones: no OUT, VARIADIC or polymorphic type. */
  readonly simple: boolean
  /** Its own search_path, if it has one, and whether it changes other settings. */
  readonly path: string | null
  readonly otherSettings: boolean
}

export type Role = { readonly bypass: boolean; readonly memberOf: ReadonlySet<string> }

export type Builtin = { readonly volatile: boolean; readonly aggregate: boolean; readonly returnsSet: boolean }

/** What has to be known of a database to rewrite its policies. */
export type Catalog = {
  /** By `schema.name`. */
  readonly tables: ReadonlyMap<string, Table>
  readonly policies: readonly TablePolicy[]
  /** By `schema.name`; those of pg_catalog are in `builtin`. */
  readonly functions: ReadonlyMap<string, readonly StoredFunction[]>
  /** Names in pg_catalog, and what at least one of that name is. */
  readonly builtin: ReadonlyMap<string, Builtin>
  readonly roles: ReadonlyMap<string, Role>
}

/** Reads the catalogue with an empty search path, so that every name comes with its schema. */
export async function readCatalog(session: Connection): Promise<Catalog> {
  await session.query(`set search_path = ''`)
  const { rows: tables } = await session.query<Table>(tablesSql)
  const { rows: policies } = await session.query<TablePolicy>(policiesSql)
  const { rows: functions } = await session.query<StoredFunction>(functionsSql)
  const { rows: builtin } = await session.query<Builtin & { name: string }>(
    `select proname::text as name, bool_or(provolatile = 'v') as volatile, bool_or(prokind <> 'f') as aggregate,
       bool_or(proretset) as "returnsSet"
     from pg_proc where pronamespace = 'pg_catalog'::regnamespace group by 1`,
  )
  const { rows: roles } = await session.query<{ name: string; bypass: boolean; member_of: string[] }>(
    `select r.rolname::text as name, r.rolsuper or r.rolbypassrls as bypass,
       array(select g.rolname::text from pg_roles g where pg_has_role(r.oid, g.oid, 'USAGE')) as member_of from pg_roles r`,
  )
  const byName = new Map<string, StoredFunction[]>()
  for (const one of functions) {
    const key = `${one.schema}.${one.name}`
    byName.set(key, [...(byName.get(key) ?? []), one])
  }
  return {
    tables: new Map(tables.map((table) => [`${table.schema}.${table.name}`, table])),
    policies,
    functions: byName,
    builtin: new Map(builtin.map(({ name, ...facts }) => [name, facts])),
    roles: new Map(roles.map(({ name, bypass, member_of }) => [name, { bypass, memberOf: new Set(member_of) }])),
  }
}

/** Whether row security does not hold for a role at a table: BYPASSRLS, or its owner without FORCE. */
export function passesBy({ roles }: Catalog, table: Table, role: string): boolean {
  if (!table.rowSecurity) return true
  const facts = roles.get(role)
  return facts?.bypass === true || (!table.force && facts?.memberOf.has(table.owner) === true)
}

export function policiesOf({ policies, roles }: Catalog, table: number, role: string, command: string): TablePolicy[] {
  const memberOf = roles.get(role)?.memberOf
  return policies.filter(
    (policy) =>
      policy.table === table &&
      (policy.command === command || policy.command === '*') &&
      policy.roles.some((name) => name === 'public' || memberOf?.has(name)),
  )
}

const tablesSql = `
select c.oid::int, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, o.rolname::text as owner,
  c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as force,
  coalesce((select bool_or(option_value::boolean) from pg_options_to_table(c.reloptions) where option_name = 'security_invoker'), false) as invoker,
  array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  coalesce((select json_agg((select json_agg(a.attname) from pg_attribute a
      where a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]))) from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null), '[]') as unique
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_t'`

const policiesSql = `
select p.polrelid::int as table, p.polpermissive as permissive, p.polcmd::text as command,
  array(select coalesce(r.rolname::text, 'public') from unnest(p.polroles) as granted(oid) left join pg_roles r on r.oid = granted.oid) as roles,
  pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check
from pg_policy p order by p.polrelid, p.polname collate "C"`

const functionsSql = `
select p.oid::int, n.nspname::text as schema, p.proname::text as name, l.lanname::text as language, p.prokind::text as kind,
  p.provolatile::text as volatility, p.prosecdef as definer, p.proisstrict as strict, p.proretset as "returnsSet",
  format_type(p.prorettype, null) as "returnType", o.rolname::text as owner,
  array(select format_type(t, null) from unnest(p.proargtypes::oid[]) with ordinality as a(t, n) order by n) as "argumentTypes",
  array(select coalesce(p.proargnames[i]::text, '') from generate_series(1, p.pronargs) i) as "argumentNames",
  array(select pg_get_function_arg_default(p.oid, i) from generate_series(1, p.pronargs) i) as defaults,
  p.proallargtypes is null and p.provariadic = 0
    and not exists (select from unnest(p.proargtypes::oid[] || p.prorettype) as t join pg_type y on y.oid = t where y.typtype = 'p') as simple,
  (select substr(setting, 13) from unnest(p.proconfig) as setting where setting like 'search\\_path=%') as path,
  exists (select from unnest(p.proconfig) as setting where setting not like 'search\\_path=%') as "otherSettings"
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang join pg_roles o on o.oid = p.proowner
where n.nspname not in ('pg_catalog', 'information_schema')`
