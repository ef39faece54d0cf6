import type { Connection, Database } from '../database/engine.ts'
import type { MigrationFile } from '../model/migration-run.ts'

/** One row of `supabase_migrations.schema_migrations`. */
export type HistoryEntry = {
  readonly version: string
  readonly name: string | null
  /** `null` where the row was written by an old CLI, or by hand. */
  readonly statements: readonly string[] | null
}

/** What production says it has applied, in text order of the versions; `undefined` when the dump has no history table. */
export async function readHistory(database: Database): Promise<readonly HistoryEntry[] | undefined> {
  await using connection = await database.connect({ readOnly: true, applicationName: 'greenlight history' })
  const { rows: columns } = await connection.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = to_regclass('supabase_migrations.schema_migrations') AND attnum > 0 AND NOT attisdropped`,
  )
  const has = (column: string) => columns.some(({ name }) => name === column)
  if (!has('version')) return undefined
  const { rows } = await connection.query<HistoryEntry>(
    `SELECT version::text, ${has('name') ? 'name::text' : 'NULL AS name'},
       ${has('statements') ? 'statements::text[]' : 'NULL AS statements'}
     FROM supabase_migrations.schema_migrations ORDER BY version COLLATE "C"`,
  )
  return rows
}

/** Makes the table where Supabase's CLI keeps the history, as the CLI does on a project that has none. */
export async function makeHistory(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ columns: number }>(
    `SELECT count(*)::int AS columns FROM pg_attribute
     WHERE attrelid = to_regclass('supabase_migrations.schema_migrations')
       AND attname IN ('version', 'statements', 'name') AND NOT attisdropped`,
  )
  if (rows[0]?.columns === 3) return
  await connection.query(`
    CREATE SCHEMA IF NOT EXISTS supabase_migrations;
    CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
    ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS statements text[];
    ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS name text`)
}

/** Records a file as Supabase's CLI does. The second of two files with one number keeps the row of the first. */
export async function recordMigration(connection: Connection, file: MigrationFile): Promise<void> {
  await connection.query(
    `INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ($1, $2, $3)
     ON CONFLICT (version) DO NOTHING`,
    [file.version, recordedName(file), file.statements.map(({ sql }) => sql)],
  )
}

/** The row of a file in the history, where one is kept; a file without a version has none. */
export async function recordApplied(connection: Connection, file: MigrationFile, record: boolean): Promise<void> {
  if (!record || file.version === '') return
  await makeHistory(connection)
  await recordMigration(connection, file)
}

/** Takes a migration out of the history again, where there is one. */
export async function forgetMigration(connection: Connection, file: MigrationFile): Promise<void> {
  const { rows } = await connection.query("SELECT to_regclass('supabase_migrations.schema_migrations') AS history")
  if (rows[0]?.history === null) return
  await connection.query('DELETE FROM supabase_migrations.schema_migrations WHERE version = $1 AND name = $2', [
    file.version,
    recordedName(file),
  ])
}

/** `update_rls_policies` of `204_update_rls_policies.sql`. */
export function recordedName({ name, version }: Pick<MigrationFile, 'name' | 'version'>): string {
  return name
    .slice(version.length)
    .replace(/^[_.-]/, '')
    .replace(/\.sql$/i, '')
}
