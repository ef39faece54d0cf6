import type { Pool } from 'pg'

/**
 * Makes `auth.refresh_tokens.id` of this clone a uuid. GoTrue counts it with a bigint sequence; the Auth server that
 * runs here writes a uuid there, and Postgres would refuse every login (22P02). Nothing refers to the column, sessions
 * find their tokens by `token` and `session_id`, and the clone is thrown away after the suite: neither `before` nor
 * `after` is ever altered. Rows keep their tokens, so that sessions of the dump can be refreshed.
 */
export async function useUuidRefreshTokens(sessions: Pool): Promise<void> {
  const { rows } = await sessions.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = to_regclass('auth.refresh_tokens') and attname = 'id'`,
  )
  if (rows[0] === undefined || rows[0].type === 'uuid') return
  await sessions.query(`
    alter table auth.refresh_tokens
      alter column id drop default,
      alter column id type uuid using gen_random_uuid(),
      alter column id set default gen_random_uuid()`)
}
