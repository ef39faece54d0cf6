import type { Connection } from '../../database/engine.ts'
import { displayName, qualified } from '../../database/identifiers.ts'
import { exposedSchemas } from '../access/exposed.ts'
import type { Query } from './workload.ts'

/** A function of the API that can be called without arguments and says of itself that it only reads. */
export type ReadFunction = { readonly name: string; readonly sql: string; readonly roles: readonly string[] }

/** Functions that are STABLE or IMMUTABLE on both sides, need no argument, and that the same roles may call on both. */
export async function readFunctions(before: Connection, after: Connection): Promise<ReadFunction[]> {
  const [old, now] = [await functionsOf(before), await functionsOf(after)]
  const later = new Map(now.map((one) => [one.name, one]))
  return old.flatMap((one) => {
    const roles = one.roles.filter((role) => later.get(one.name)?.roles.includes(role))
    return roles.length > 0 ? [{ ...one, roles }] : []
  })
}

async function functionsOf(session: Connection): Promise<ReadFunction[]> {
  const { rows } = await session.query<{ schema: string; name: string; roles: string[] }>(
    `select n.nspname as schema, p.proname as name,
       (select coalesce(json_agg(r.rolname), '[]') from pg_roles r
        where r.rolname in ('authenticated', 'service_role') and has_function_privilege(r.oid, p.oid, 'execute')) as roles
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any ($1) and p.prokind = 'f' and p.provolatile in ('i', 's') and p.pronargs = p.pronargdefaults
       and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
       and 1 = (select count(*) from pg_proc o where o.pronamespace = p.pronamespace and o.proname = p.proname)
     order by 1, 2`,
    [await exposedSchemas(session)],
  )
  return rows.map(({ schema, name, roles }) => ({
    name: `${displayName(schema, name)}()`,
    sql: `select pgrst_call.* from ${qualified(schema, name)}() pgrst_call limit 1000`,
    roles,
  }))
}

/** The calls that `role` may make, as PostgREST sends them. */
export function calls(functions: readonly ReadFunction[], role: string): Query[] {
  return functions
    .filter(({ roles }) => roles.includes(role))
    .map(({ name, sql }) => ({ relation: name, shape: '.rpc(…)', sql: asPage(sql) }))
}

/** The rows of a query as PostgREST answers with them: one JSON text. */
export function asPage(sql: string): string {
  return `with pgrst_source as (${sql}) select null::bigint as total_result_set, pg_catalog.count(_postgrest_t) as page_total,
    coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) _postgrest_t`
}
