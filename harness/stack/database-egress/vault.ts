import type { Connection } from '../../database/engine.ts'
import type { ApiKeys } from '../keys.ts'

/**
 * Gives those secrets of the vault a value that hold the project's address and keys by the names that are usual for them:
 * the dump has them encrypted with a key that stays on the platform, and webhooks and jobs read them. Others stay NULL.
 */
export async function fillVault(connection: Connection, url: string, keys: ApiKeys): Promise<void> {
  if (!(await hasVault(connection))) return
  for (const [pattern, value] of [
    ['^(project|supabase|api|base|edge|functions?)?_?(base|project)?_?url$', url],
    ['service_role|^(supabase_)?(secret|service)_key$', keys.serviceKey],
    ['^(supabase_)?(anon|publishable)(_key)?$', keys.anonKey],
  ]) {
    await connection.query(
      `select vault.update_secret(id, $2) from vault.decrypted_secrets where name ~* $1 and decrypted_secret is null`,
      [pattern, value],
    )
  }
}

/** Makes those secrets that the vault lacks, as they will be when they were put there by hand: an address, or a key. */
export async function addSecrets(
  connection: Connection,
  names: readonly string[],
  url: string,
  keys: ApiKeys,
): Promise<void> {
  if (names.length === 0 || !(await hasVault(connection))) return
  for (const name of names) {
    const value = /url/i.test(name) ? url : /service|secret/i.test(name) ? keys.serviceKey : keys.anonKey
    await connection.query(
      'select vault.create_secret($2, $1) where not exists (select from vault.secrets where name = $1)',
      [name, value],
    )
  }
}

async function hasVault(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ present: boolean }>(
    `select exists (select from pg_extension where extname = 'supabase_vault') and
      to_regprocedure('vault.update_secret(uuid, text, text, text, uuid)') is not null as present`,
  )
  return rows[0]?.present ?? false
}
