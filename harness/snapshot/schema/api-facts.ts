import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { type ApiType, takeTypes } from './api-types.ts'

/** Roles that the Data API takes on: for a request with the app's public key, and for one with the service key. */
export const apiRoles = ['anon', 'authenticated', 'service_role'] as const
/** Those that anybody with the app's public key can have. */
export const publicRoles = ['anon', 'authenticated'] as const
export type ApiRole = (typeof apiRoles)[number]

/** Schemas that the Data API serves unless told otherwise. */
const apiSchemas: readonly string[] = ['public']

export type ApiFacts = {
  readonly relations: readonly ApiRelation[]
  readonly functions: readonly ApiFunction[]
  readonly links: readonly ApiLink[]
}

export type ApiRelation = {
  readonly object: string
  readonly kind: 'table' | 'view'
  readonly rowSecurity: boolean
  /** Readable columns by role. */
  readonly columns: Readonly<Record<ApiRole, readonly string[]>>
  readonly types: Readonly<Record<string, ApiType>>
  /** Columns that an insert must name: not null, and nothing fills them. */
  readonly required: readonly string[]
  /** Columns that Postgres fills itself, GENERATED ALWAYS: it refuses any value for them (SQLSTATE 428C9). */
  readonly generated: readonly string[]
  /** The others that some role of the API may name in an insert. */
  readonly writable: readonly string[]
  /** Roles that may insert. */
  readonly writers: readonly ApiRole[]
  /** Text of the functions that run before an insert: they may fill a column. */
  readonly fillers: string
}

/** A foreign key between two relations of the API: what makes `select=*,parent(*)` work. */
export type ApiLink = {
  readonly name: string
  readonly child: string
  readonly parent: string
  readonly columns: readonly string[]
  /** All its columns are part of the child's primary key: the child may join two others. */
  readonly inKey: boolean
}

/** One signature. The Data API calls it by the names of its arguments. */
export type ApiFunction = {
  /** `schema.name`, without arguments. */
  readonly name: string
  readonly roles: readonly ApiRole[]
  /** Names of input arguments in order; an unnamed one is ''. */
  readonly args: readonly { readonly name: string; readonly optional: boolean; readonly type: ApiType }[]
  readonly returns: string
  readonly result: ApiType
  /** Many rows, told as an array. */
  readonly set: boolean
  /** Columns of RETURNS TABLE, or of OUT arguments. */
  readonly columns: readonly string[]
}

/** What each role of the API may name: existence and grants, not rows. */
export async function takeApi(connection: Connection): Promise<ApiFacts> {
  const relations = await connection.query<RawRelation>(relationsQuery, [apiSchemas, apiRoles])
  const functions = await connection.query<RawFunction>(functionsQuery, [apiSchemas, apiRoles])
  const links = await connection.query<RawLink>(linksQuery, [apiSchemas])
  const types = await takeTypes(connection)
  return {
    relations: relations.rows.map((row) => ({
      object: displayName(row.schema, row.name),
      kind: row.kind,
      rowSecurity: row.row_security,
      columns: {
        anon: row.columns.anon ?? [],
        authenticated: row.columns.authenticated ?? [],
        service_role: row.columns.service_role ?? [],
      },
      types: Object.fromEntries(row.attributes.map((one) => [one.name, types(one.type, one.typmod)])),
      required: row.attributes.flatMap(({ name, required }) => (required ? [name] : [])),
      generated: row.attributes.flatMap(({ name, generated }) => (generated ? [name] : [])),
      writable: row.attributes.flatMap(({ name, granted, generated }) => (granted && !generated ? [name] : [])),
      writers: row.writers,
      fillers: row.fillers ?? '',
    })),
    functions: functions.rows.map((row) => ({
      name: displayName(row.schema, row.name),
      roles: row.roles,
      args: row.args.map((name, index) => ({
        name,
        optional: index >= row.args.length - row.defaults,
        type: types(row.types[index] ?? 0, -1),
      })),
      returns: row.returns,
      result: types(row.result, -1),
      set: row.set,
      columns: row.columns,
    })),
    links: links.rows.map(({ name, columns, inKey, ...row }) => ({
      name,
      child: displayName(row.childSchema, row.child),
      parent: displayName(row.parentSchema, row.parent),
      columns,
      inKey,
    })),
  }
}

type RawRelation = {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly row_security: boolean
  readonly columns: Readonly<Record<string, string[]>>
  readonly attributes: readonly {
    name: string
    type: number
    typmod: number
    required: boolean
    generated: boolean
    granted: boolean
  }[]
  readonly writers: ApiRole[]
  readonly fillers: string | null
}
type RawFunction = {
  readonly schema: string
  readonly name: string
  readonly roles: ApiRole[]
  readonly args: string[]
  readonly types: number[]
  readonly defaults: number
  readonly returns: string
  readonly result: number
  readonly set: boolean
  readonly columns: string[]
}
type RawLink = {
  readonly name: string
  readonly childSchema: string
  readonly child: string
  readonly parentSchema: string
  readonly parent: string
  readonly columns: string[]
  readonly inKey: boolean
}

const notOfExtension = (oid: string, catalog: string) =>
  `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`

const relationsQuery = `
SELECT n.nspname AS schema, c.relname AS name, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
  c.relrowsecurity AS row_security, json_object_agg(r.rolname, readable.names) AS columns,
  coalesce(array_agg(r.rolname::text ORDER BY r.rolname) FILTER (WHERE has_any_column_privilege(r.oid, c.oid, 'INSERT')), '{}') AS writers,
  (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', a.atttypid::bigint, 'typmod', a.atttypmod, 'required',
      a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL, 'generated',
      a.attidentity = 'a' OR a.attgenerated <> '', 'granted', EXISTS (SELECT FROM pg_roles w WHERE w.rolname = ANY ($2)
        AND has_column_privilege(w.oid, c.oid, a.attnum, 'INSERT'))) ORDER BY a.attnum), '[]')
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes,
  (SELECT string_agg(p.prosrc, E'\\n' ORDER BY g.tgname) FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 4 <> 0 AND g.tgtype & 66 <> 0) AS fillers
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.rolname = ANY ($2) AND has_schema_privilege(r.oid, n.oid, 'USAGE')
CROSS JOIN LATERAL (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (
    WHERE has_table_privilege(r.oid, c.oid, 'SELECT') OR has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')), '{}') AS names
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) readable
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND ${notOfExtension('c.oid', 'pg_class')}
GROUP BY n.nspname, c.oid, c.relname, c.relkind, c.relrowsecurity ORDER BY 1, 2`

const functionsQuery = `
SELECT n.nspname AS schema, p.proname AS name, array_agg(r.rolname::text ORDER BY r.rolname) AS roles, p.pronargdefaults AS defaults,
  pg_get_function_result(p.oid) AS returns, p.prorettype::bigint::float8 AS result, p.proretset AS set,
  (SELECT coalesce(json_agg(coalesce(p.proallargtypes[i], p.proargtypes[i - 1])::bigint ORDER BY i), '[]')
   FROM generate_series(1, coalesce(array_length(p.proallargtypes, 1), p.pronargs)) i
   WHERE coalesce(p.proargmodes[i], 'i') IN ('i', 'b', 'v')) AS types,
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

const linksQuery = `
SELECT k.conname AS name, cn.nspname AS "childSchema", c.relname AS child, pn.nspname AS "parentSchema", p.relname AS parent,
  (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND k.conkey <@ i.indkey::int2[]) AS "inKey"
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND cn.nspname = ANY ($1) AND pn.nspname = ANY ($1)
ORDER BY 2, 3, 1`
