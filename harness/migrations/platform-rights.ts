import { parseStatements, type SqlNode } from './parse.ts'

/**
 * Tables whose policies and triggers role postgres may change without owning them: supautils.policy_grants and
 * supautils.drop_trigger_grants of the platform's images.
 */
const platformTables = new Set([
  'auth.audit_log_entries',
  'auth.identities',
  'auth.refresh_tokens',
  'auth.sessions',
  'auth.users',
  'realtime.messages',
  'storage.buckets',
  'storage.buckets_analytics',
  'storage.buckets_vectors',
  'storage.iceberg_namespaces',
  'storage.iceberg_tables',
  'storage.migrations',
  'storage.objects',
  'storage.prefixes',
  'storage.s3_multipart_uploads',
  'storage.s3_multipart_uploads_parts',
  'storage.vector_indexes',
])

/** supautils.privileged_extensions of the platform's images. */
const platformExtensions = new Set(
  `address_standardizer address_standardizer_data_us autoinc bloom btree_gin btree_gist citext cube dblink dict_int
  dict_xsyn earthdistance fuzzystrmatch hstore http hypopg index_advisor insert_username intarray isn ltree moddatetime
  orioledb pg_buffercache pg_cron pg_graphql pg_hashids pg_jsonschema pg_net pg_partman pg_prewarm pg_repack
  pg_stat_monitor pg_stat_statements pg_tle pg_trgm pg_walinspect pgaudit pgcrypto pgjwt pgmq pgroonga
  pgroonga_database pgrouting pgrowlocks pgsodium pgstattuple pgtap plpgsql_check postgis postgis_raster postgis_sfcgal
  postgis_tiger_geocoder postgis_topology postgres_fdw refint rum seg sslinfo supabase_vault tablefunc tcn timescaledb
  tsm_system_rows tsm_system_time unaccent uuid-ossp vector wrappers`.split(/\s+/),
)

/**
 * What a statement asks for, in words, if it is one that the platform lets role postgres do and a plain server does
 * not: policies on and triggers of the platform's tables, privileged extensions, event triggers, foreign data wrappers,
 * publications for all tables. `undefined` for everything else: it is denied on the platform, too.
 */
export async function permittedOnPlatform(sql: string): Promise<string | undefined> {
  const statements = await parseStatements(sql).catch(() => [])
  const [statement] = statements
  if (!statement || statements.length !== 1) return undefined
  const [type, node] = Object.entries(statement)[0] ?? []
  return type === undefined || node === undefined ? undefined : permitted(type, node)
}

function permitted(type: string, node: SqlNode): string | undefined {
  switch (type) {
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
      return onTable('a policy on', relation(node.table))
    case 'CreateTrigStmt': {
      const table = relation(node.relation)
      return table === 'auth.users' ? onTable('a trigger on', table) : undefined
    }
    case 'RenameStmt':
      return node.renameType === 'OBJECT_POLICY' ? onTable('a policy on', relation(node.relation)) : undefined
    case 'CreateExtensionStmt':
    case 'AlterExtensionStmt':
      return extension(node.extname)
    case 'AlterObjectSchemaStmt':
      return node.objectType === 'OBJECT_EXTENSION' ? extension(names(node.object)[0]) : undefined
    case 'CreateEventTrigStmt':
    case 'AlterEventTrigStmt':
      return 'an event trigger'
    case 'CreateFdwStmt':
    case 'AlterFdwStmt':
      return 'a foreign data wrapper'
    case 'CreatePublicationStmt':
      return node.for_all_tables === true ? 'a publication for all tables' : undefined
    case 'DropStmt':
      return dropped(node)
    case 'CommentStmt':
      return commented(node)
    default:
      return undefined
  }
}

function dropped(node: SqlNode): string | undefined {
  const objects = Array.isArray(node.objects) ? node.objects.map(names) : []
  const all = objects.map((object) => {
    switch (node.removeType) {
      case 'OBJECT_POLICY':
        return onTable('a policy on', object.slice(0, -1).join('.'))
      case 'OBJECT_TRIGGER':
        return onTable('a trigger on', object.slice(0, -1).join('.'))
      case 'OBJECT_EXTENSION':
        return extension(object[0])
      case 'OBJECT_EVENT_TRIGGER':
        return 'an event trigger'
      case 'OBJECT_FDW':
        return 'a foreign data wrapper'
      default:
        return undefined
    }
  })
  return all.includes(undefined) ? undefined : all[0]
}

function commented(node: SqlNode): string | undefined {
  const object = names(node.object)
  if (node.objtype === 'OBJECT_POLICY') return onTable('a policy on', object.slice(0, -1).join('.'))
  return node.objtype === 'OBJECT_EXTENSION' ? extension(object[0]) : undefined
}

function onTable(what: string, table: string): string | undefined {
  return platformTables.has(table) ? `${what} ${table}` : undefined
}

function extension(name: unknown): string | undefined {
  return typeof name === 'string' && platformExtensions.has(name) ? `extension ${name}` : undefined
}

/** `schema.table`; a table that is named without its schema is nobody's for sure. */
function relation(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  const { schemaname, relname } = value as SqlNode
  return `${schemaname}.${relname}`
}

/** The parts of a name in a parse tree: `{ List: { items: [{ String: { sval } }] } }`, or one String alone. */
function names(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const { List: list, String: text } = value as { List?: { items?: unknown[] }; String?: { sval?: string } }
  if (text?.sval !== undefined) return [text.sval]
  return (list?.items ?? []).flatMap(names)
}
