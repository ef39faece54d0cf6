import { readFile } from 'node:fs/promises'
import type { Connection, Database } from '../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'
import { loginRoles } from './login-roles.ts'

export type PrepareOptions = { readonly signal?: AbortSignal | undefined }

const ownFiles = ['auth', 'auth-providers', 'storage', 'realtime', 'history'] as const

/**
 * Makes a database ready to receive a dump of the platform: roles, memberships, role settings, the database's owner.
 * Every login role gets the cluster's password. Idempotent, and quick enough to be repeated on each clone, which keeps
 * the owner and the grants of its original. Throws `database.failed`, `aborted`.
 */
export async function preparePlatform(database: Database, { signal }: PrepareOptions = {}): Promise<void> {
  await using connection = await database.connect()
  throwIfAborted(signal, 'making the roles of the platform')
  await runFile(connection, 'roles')
  const password = quoteLiteral(database.cluster.password)
  await connection.query(
    loginRoles.map((role) => `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${password}`).join('; '),
  )
  await runFile(connection, 'database')
}

/**
 * Makes the platform's schemas in an empty database, as a project of 2026 has them: auth, storage, realtime, vault,
 * graphql, webhooks, migration history, publications, event triggers, default privileges. For databases that start from
 * nothing; a full dump brings its own. Calls `preparePlatform` first. Throws `database.failed`, `aborted`.
 */
export async function preparePlatformSchemas(database: Database, { signal }: PrepareOptions = {}): Promise<void> {
  await preparePlatform(database, { signal })
  await using connection = await database.connect()
  await runFiles(
    connection,
    ['schemas', 'extensions', 'platform-privileges', 'later-privileges', ...ownFiles, 'event-triggers'],
    signal,
  )
}

/**
 * Makes what a dump without the platform's schemas needs to be restored over: the same schemas, but neither extensions
 * (the dump names its own) nor what acts on whatever is made later. Without `history`, no migration counts as recorded
 * or not: there is no table of them.
 */
export async function makeMissingSchemas(
  database: Database,
  { signal, history }: PrepareOptions & { readonly history: boolean },
): Promise<void> {
  await using connection = await database.connect()
  await runFiles(connection, ['schemas', 'platform-privileges', ...ownFiles, 'event-triggers'], signal)
  await connection.query('DROP TABLE supabase_migrations.schema_migrations, supabase_migrations.seed_files')
  if (!history) await connection.query('DROP SCHEMA supabase_migrations')
}

/** The rest, once the dump is restored: grants on everything that is made later. */
export async function finishMissingSchemas(database: Database, { signal }: PrepareOptions = {}): Promise<void> {
  await using connection = await database.connect()
  await runFiles(connection, ['later-privileges'], signal)
}

async function runFiles(connection: Connection, files: readonly string[], signal: AbortSignal | undefined) {
  for (const file of files) {
    throwIfAborted(signal, 'making the schemas of the platform')
    await runFile(connection, file)
  }
}

async function runFile(connection: Connection, name: string): Promise<void> {
  const sql = await readFile(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8')
  try {
    await connection.query(sql)
  } catch (cause) {
    throw new HarnessError(
      'database.failed',
      `The platform could not be prepared (${name}.sql): ${messageOf(cause)}.`,
      {
        facts: { file: `${name}.sql` },
        cause,
      },
    )
  }
}
