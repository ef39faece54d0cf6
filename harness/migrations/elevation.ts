import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Database } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import { permittedOnPlatform } from './platform-rights.ts'
import type { MigrationSession } from './session.ts'

const insufficientPrivilege = '42501'
const savepoint = 'greenlight_elevation'

/**
 * Runs a statement; when it is denied, and the platform's supautils would have allowed it, runs it once more as the
 * superuser, within the same transaction. Returns what was allowed: "a policy on storage.objects".
 */
export async function runWithPlatformRights(session: MigrationSession, sql: string): Promise<string | undefined> {
  if (!mayNeedRights(sql)) {
    await session.run(sql)
    return undefined
  }
  const inside = session.state() === 'open'
  if (inside) await session.run(`SAVEPOINT ${savepoint}`)
  let allowed: string | undefined
  try {
    await session.run(sql)
  } catch (error) {
    allowed = isDenied(error) ? await permittedOnPlatform(sql) : undefined
    if (allowed === undefined) throw error
    if (inside) await session.run(`ROLLBACK TO SAVEPOINT ${savepoint}`)
    if (!(await isRolePostgres(session))) throw error
    await runAsSuperuser(session, sql)
  }
  if (inside) await session.run(`RELEASE SAVEPOINT ${savepoint}`)
  return allowed
}

function isDenied(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === insufficientPrivilege
}

/** A cheap look; `permittedOnPlatform` decides. */
function mayNeedRights(sql: string): boolean {
  return /\b(policy|trigger|extension|wrapper|publication)\b/i.test(sql)
}

/** supautils grants to role postgres alone: not to another role that the migration has SET. */
async function isRolePostgres({ connection }: MigrationSession): Promise<boolean> {
  const { rows } = await connection.query<{ role: string }>('SELECT current_user AS role')
  return rows[0]?.role === 'postgres'
}

/**
 * Through a function of the superuser's that exists for this one call, in a schema whose name nobody can guess: the
 * migration's own session is never a superuser's. Event triggers rest meanwhile, since they would run as superuser.
 */
async function runAsSuperuser(session: MigrationSession, sql: string): Promise<void> {
  const { database } = session
  const schema = quoteIdentifier(`greenlight_${randomBytes(8).toString('hex')}`)
  const quiet = database.cluster.serverVersionNum >= 170_000 ? 'SET event_triggers = off' : ''
  await asAdmin(
    database,
    `CREATE SCHEMA ${schema};
     CREATE FUNCTION ${schema}.run(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER ${quiet}
       AS 'BEGIN EXECUTE statement; END';
     REVOKE ALL ON FUNCTION ${schema}.run(text) FROM PUBLIC;
     GRANT USAGE ON SCHEMA ${schema} TO postgres;
     GRANT EXECUTE ON FUNCTION ${schema}.run(text) TO postgres`,
  )
  try {
    await session.connection.query(`SELECT ${schema}.run($1)`, [sql])
  } finally {
    await asAdmin(database, `DROP SCHEMA ${schema} CASCADE`)
  }
}

async function asAdmin(database: Database, sql: string): Promise<void> {
  await using admin = await database.connect({ applicationName: 'greenlight platform rights' })
  if (database.cluster.serverVersionNum >= 170_000) await admin.query('SET event_triggers = off')
  // The migration's transaction is open meanwhile, and may hold a lock that this would wait for.
  await admin.query("SET lock_timeout = '10s'; SET client_min_messages = error")
  await admin.query(sql)
}
