import type { Connection } from '../../database/engine.ts'
import type { ApiKeys } from '../keys.ts'

/**
 * Gives those secrets of the vault a value that hold the project's address and keys by the names that are usual for them:
 * the dump has them encrypted with a key that stays on the platform, and webhooks and jobs read them. Others stay NULL.
 */
export async function fillVault(connection: Connection, url: string, keys: ApiKeys): Promise<void> {
  const { rows } = await connection.query<{ present: boolean }>(
    `select exists (select from pg_extension where extname = 'supabase_vault') and
      to_regprocedure('vault.update_secret(uuid, text, text, text, uuid)') is not null as present`,
  )
  if (!rows[0]?.present) return
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
