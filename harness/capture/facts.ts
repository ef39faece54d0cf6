import type { Connection } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import type { Manifest } from './manifest.ts'

/** What a manifest says of the server, read within the snapshot. */
export async function takeServerFacts(
  connection: Connection,
): Promise<Pick<Manifest, 'server' | 'settings' | 'migrations' | 'queries'>> {
  const [server] = (
    await connection.query<Manifest['server']>(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS "versionNum",
         current_database() AS database, pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
    )
  ).rows
  if (server === undefined) throw new Error('The server did not say what it is.')
  const settings = await connection.query<{ name: string; setting: string }>(settingsSql)
  const migrations = await takeMigrations(connection)
  const queries = await takeQueries(connection)
  return {
    server,
    settings: Object.fromEntries(settings.rows.map(({ name, setting }) => [name, setting])),
    ...(migrations === undefined ? {} : { migrations }),
    ...(queries === undefined ? {} : { queries }),
  }
}

/** Those that somebody set; none that may hold a secret or the name of another server. */
const settingsSql = `
  SELECT name, setting FROM pg_settings
  WHERE source NOT IN ('default', 'override', 'client', 'session') AND name !~ '[.]'
    AND name !~ '(conninfo|passphrase|password|secret|key|command|_file$|directory|hba|ident|listen|slot|cluster_name|application_name)'
  ORDER BY name COLLATE "C"`

async function takeMigrations(connection: Connection): Promise<Manifest['migrations']> {
  const { rows: columns } = await connection.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = to_regclass('supabase_migrations.schema_migrations') AND attnum > 0 AND NOT attisdropped`,
  )
  const has = (column: string) => columns.some(({ name }) => name === column)
  if (!has('version')) return undefined
  const { rows } = await connection.query<{ version: string; name: string | null }>(
    `SELECT version::text, ${has('name') ? 'name::text' : 'NULL'} AS name FROM supabase_migrations.schema_migrations
     ORDER BY version COLLATE "C"`,
  )
  return rows
}

const mostQueries = 100

/** Statements whose constants Postgres took out. One in which a literal is left is not shown: it may be anybody's. */
async function takeQueries(connection: Connection): Promise<Manifest['queries']> {
  const { rows: places } = await connection.query<{ schema: string }>(
    `SELECT nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'pg_stat_statements'`,
  )
  const [place] = places
  if (place === undefined) return undefined
  const view = `${quoteIdentifier(place.schema)}.pg_stat_statements`
  await connection.query('SAVEPOINT queries')
  try {
    const { rows } = await connection.query<{
      query: string
      role: string
      calls: number
      milliseconds: number
      rows: number
    }>(
      `SELECT query, pg_get_userbyid(userid)::text AS role, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS milliseconds, sum(rows)::float8 AS rows
       FROM ${view} WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND query ~* '^\\s*(select|insert|update|delete|with|merge)\\M' AND query !~ '''|[$][a-zA-Z_]*[$]|--|/[*]'
       GROUP BY query, userid ORDER BY sum(total_exec_time) DESC, query COLLATE "C", 2 LIMIT ${mostQueries}`,
    )
    await connection.query('RELEASE SAVEPOINT queries')
    return rows
  } catch {
    // It is there and may not be read, or is not preloaded: a capture is none the worse without it.
    await connection.query('ROLLBACK TO SAVEPOINT queries')
    return undefined
  }
}
