import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'

/** Roles that the Data API takes on for a request with the app's public key. */
export const apiRoles = ['anon', 'authenticated'] as const
export type ApiRole = (typeof apiRoles)[number]

/** Schemas that the Data API serves unless told otherwise. */
const apiSchemas: readonly string[] = ['public']

export type ApiFacts = { readonly relations: readonly ApiRelation[]; readonly functions: readonly ApiFunction[] }

export type ApiRelation = {
  readonly object: string
  readonly kind: 'table' | 'view'
  readonly rowSecurity: boolean
  /** Readable columns by role. */
  readonly columns: Readonly<Record<ApiRole, readonly string[]>>
}

/** One signature. The Data API calls it by the names of its arguments. */
export type ApiFunction = {
  /** `schema.name`, without arguments. */
  readonly name: string
  readonly roles: readonly ApiRole[]
  /** Names of input arguments in order; an unnamed one is ''. */
  readonly args: readonly { readonly name: string; readonly optional: boolean }[]
  readonly returns: string
  /** Columns of RETURNS TABLE, or of OUT arguments. */
  readonly columns: readonly string[]
}

/** What each role of the API may name: existence and grants, not rows. */
export async function takeApi(connection: Connection): Promise<ApiFacts> {
  const relations = await connection.query<RawRelation>(relationsQuery, [apiSchemas, apiRoles])
  const functions = await connection.query<RawFunction>(functionsQuery, [apiSchemas, apiRoles])
  return {
    relations: relations.rows.map((row) => ({
      object: displayName(row.schema, row.name),
      kind: row.kind,
      rowSecurity: row.row_security,
      columns: { anon: row.columns.anon ?? [], authenticated: row.columns.authenticated ?? [] },
    })),
    functions: functions.rows.map((row) => ({
      name: displayName(row.schema, row.name),
      roles: row.roles,
      args: row.args.map((name, index) => ({ name, optional: index >= row.args.length - row.defaults })),
      returns: row.returns,
      columns: row.columns,
    })),
  }
}

type RawRelation = {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly row_security: boolean
  readonly columns: Readonly<Record<string, string[]>>
}
type RawFunction = {
  readonly schema: string
  readonly name: string
  readonly roles: ApiRole[]
  readonly args: string[]
  readonly defaults: number
  readonly returns: string
  readonly columns: string[]
}

const notOfExtension = (oid: string, catalog: string) =>
  `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`

const relationsQuery = `
SELECT n.nspname AS schema, c.relname AS name, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
  c.relrowsecurity AS row_security, json_object_agg(r.rolname, readable.names) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.rolname = ANY ($2) AND has_schema_privilege(r.oid, n.oid, 'USAGE')
CROSS JOIN LATERAL (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (
    WHERE has_table_privilege(r.oid, c.oid, 'SELECT') OR has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')), '{}') AS names
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) readable
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND ${notOfExtension('c.oid', 'pg_class')}
GROUP BY n.nspname, c.relname, c.relkind, c.relrowsecurity ORDER BY 1, 2`

const functionsQuery = `
SELECT n.nspname AS schema, p.proname AS name, array_agg(r.rolname::text ORDER BY r.rolname) AS roles, p.pronargdefaults AS defaults,
  pg_get_function_result(p.oid) AS returns,
  (SELECT coalesce(array_agg(coalesce(p.proargnames[i], '') ORDER BY i), '{}')
   FROM generate_series(1, coalesce(array_length(p.proallargtypes, 1), p.pronargs)) i
   WHERE coalesce(p.proargmodes[i], 'i') IN ('i', 'b', 'v')) AS args,
  (SELECT coalesce(array_agg(p.proargnames[i] ORDER BY i), '{}') FROM generate_series(1, array_length(p.proallargtypes, 1)) i
   WHERE p.proargmodes[i] IN ('t', 'o', 'b')) AS columns
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_roles r ON r.rolname = ANY ($2) AND has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
WHERE n.nspname = ANY ($1) AND p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND ${notOfExtension('p.oid', 'pg_proc')}
GROUP BY p.oid, n.nspname, p.proname, p.pronargdefaults, p.proargnames, p.proallargtypes, p.pronargs, p.proargmodes
ORDER BY 1, 2, p.oid`
