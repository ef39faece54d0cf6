import type { Pool } from 'pg'

/** Finds accounts by address, as they are at that moment. */
export type UserDirectory = {
  /** Ids of `auth.users` by address in lower case. Nobody, where the database has no such table. */
  usersOf(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
}

export function makeUserDirectory(sessions: Pool): UserDirectory {
  return {
    async usersOf(addresses) {
      if (addresses.length === 0) return new Map()
      const there = await sessions.query<{ there: boolean }>(`select to_regclass('auth.users') is not null as there`)
      if (!there.rows[0]?.there) return new Map()
      const { rows } = await sessions.query<{ id: string; email: string }>(
        `select id::text, lower(email) as email from auth.users where lower(email) = any ($1) order by created_at desc, id desc`,
        [addresses],
      )
      return new Map(rows.map(({ id, email }) => [email, id]))
    },
  }
}
