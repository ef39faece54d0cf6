import type { Pool } from 'pg'
import { tokenColumns } from './account.ts'

/**
 * Lets a clone find an account by its address and by a link's token without reading all of them: GoTrue's own indexes
 * are partial (tokens that are not all digits, accounts without single sign-on), so a plain look-up cannot use them.
 */
export async function indexLookUps(sessions: Pool): Promise<void> {
  const { rows } = await sessions.query<{ name: string }>(
    `select attname as name from pg_attribute
      where attrelid = to_regclass('auth.users') and attname = any ($1) and not attisdropped`,
    [['email', ...tokenColumns]],
  )
  for (const { name } of rows) {
    await sessions.query(`create index if not exists "greenlight_${name}" on auth.users (${name})`)
  }
}
