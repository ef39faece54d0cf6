import type { Database } from '../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import type { MigrationFile } from '../model/migration-run.ts'

type Passwords = ReadonlyMap<string, string>

async function takePasswords(database: Database): Promise<Passwords> {
  await using admin = await database.connect({ readOnly: true })
  const { rows } = await admin.query<{ role: string; password: string }>(
    "SELECT rolname::text AS role, coalesce(rolpassword, '') AS password FROM pg_authid WHERE rolcanlogin",
  )
  return new Map(rows.map(({ role, password }) => [role, password]))
}

/**
 * Gives roles whose password the migrations change the cluster's again, once `run` has ended: everything that works with
 * the database afterwards logs in with it. That they were changed can still be told, since the stored hash is another.
 */
export async function withKeptPasswords<T>(
  database: Database,
  files: readonly MigrationFile[],
  run: () => Promise<T>,
): Promise<T> {
  if (!files.some(({ sql }) => /\bpassword\b/i.test(sql))) return run()
  const was = await takePasswords(database)
  try {
    return await run()
  } finally {
    const changed = [...(await takePasswords(database))].filter(
      ([role, password]) => was.has(role) && was.get(role) !== password,
    )
    await using admin = await database.connect()
    for (const [role] of changed)
      await admin.query(`ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteLiteral(database.cluster.password)}`)
  }
}
