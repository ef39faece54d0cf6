import type { Connection, Database } from '../../database/engine.ts'
import { displayName, qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { Argument } from '../access/definer-arguments.ts'
import { type Cases, takeCases } from '../access/definer-cases.ts'
import { exposedSchemas } from '../access/exposed.ts'
import type { Identity } from '../identities.ts'
import type { Query } from './workload.ts'

/** A function of the API that says of itself that it only reads, and that can be called by the same roles on both sides. */
export type ReadFunction = {
  readonly schema: string
  readonly called: string
  /** `public.tasks_of(uuid)`, with the types of what it takes. */
  readonly signature: string
  readonly args: readonly Argument[] | null
  /** It needs no argument. */
  readonly callable: boolean
  readonly roles: readonly string[]
}

export type Calls = { readonly functions: readonly ReadFunction[]; readonly cases: Cases }

/**
 * Functions that are STABLE or IMMUTABLE and take the same on both sides, with what each of `identities` gives for their
 * arguments: ids of rows that it sees, told by names and types. Throws `database.failed`.
 */
export async function readFunctions(
  before: Database,
  after: Database,
  identities: readonly Identity[],
): Promise<Calls> {
  const [old, now] = await Promise.all([functionsOf(before), functionsOf(after)])
  const later = new Map(now.map((one) => [one.signature, one]))
  const functions = old.flatMap((one) => {
    const twin = later.get(one.signature)
    const roles = one.roles.filter((role) => twin?.roles.includes(role))
    const sameNames =
      JSON.stringify(one.args?.map(({ name }) => name)) === JSON.stringify(twin?.args?.map(({ name }) => name))
    return roles.length > 0 && (one.callable || sameNames)
      ? [{ ...one, callable: one.callable && twin?.callable === true, roles }]
      : []
  })
  const needy = functions.filter(({ callable }) => !callable)
  return { functions, cases: await takeCases(before, after, needy, identities) }
}

async function functionsOf(database: Database): Promise<ReadFunction[]> {
  await using session: Connection = await database.connect({ readOnly: true })
  const schemas = await exposedSchemas(session)
  // With an empty path Postgres writes every name with its schema.
  await session.query(`set search_path = ''`)
  const { rows } = await session.query<ReadFunction>(
    `select n.nspname as schema, p.proname as called, p.oid::regprocedure::text as signature, p.pronargs = p.pronargdefaults as callable,
       (select case when p.provariadic = 0 and bool_and(coalesce(a.name, '') <> '') then json_agg(json_build_object('name', a.name,
           'type', format_type(a.type, null), 'hasDefault', a.place > p.pronargs - p.pronargdefaults) order by a.place) end
         from (select i.*, row_number() over (order by at) as place
           from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames) with ordinality as i(type, mode, name, at)
           where coalesce(mode, 'i') in ('i', 'b', 'v')) as a) as args,
       (select coalesce(json_agg(r.rolname), '[]') from pg_roles r
        where r.rolname in ('authenticated', 'service_role') and has_function_privilege(r.oid, p.oid, 'execute')) as roles
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any ($1) and p.prokind = 'f' and p.provolatile in ('i', 's')
       and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
       and 1 = (select count(*) from pg_proc o where o.pronamespace = p.pronamespace and o.proname = p.proname)
     order by n.nspname collate "C", p.proname collate "C"`,
    [schemas],
  )
  return rows
}

/** The calls that `identity` may make, as PostgREST sends them. */
export function calls({ functions, cases }: Calls, identity: Identity): Query[] {
  return functions
    .filter(({ roles }) => roles.includes(identity.role))
    .flatMap(({ schema, called, signature, callable }): Query[] => {
      const given = cases
        .get(signature)
        ?.get(identity)
        ?.find(({ kind }) => kind === 'own')?.values
      if (!callable && given === undefined) return []
      const values = (given ?? []).map(
        ({ name, type, value }) => `${quoteIdentifier(name)} => ${quoteLiteral(value)}::${type}`,
      )
      const sql = `select pgrst_call.* from ${qualified(schema, called)}(${values.join(', ')}) pgrst_call limit 1000`
      const shape = given === undefined ? '.rpc(…)' : `.rpc(…, { ${given.map(({ name }) => name).join(', ')} })`
      return [{ relation: `${displayName(schema, called)}()`, shape, sql: asPage(sql) }]
    })
}

/** The rows of a query as PostgREST answers with them: one JSON text. */
export function asPage(sql: string): string {
  return `with pgrst_source as (${sql}) select null::bigint as total_result_set, pg_catalog.count(_postgrest_t) as page_total,
    coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) _postgrest_t`
}
