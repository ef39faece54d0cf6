import type { Connection, Database } from '../../database/engine.ts'

/** Finds accounts by address, as they are at that moment, over one session that is opened when first needed. */
export type UserDirectory = {
  /** Ids of `auth.users` by address in lower case. Nobody, where the database has no such table. */
  usersOf(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
  stop(): Promise<void>
}

export function makeUserDirectory(database: Database): UserDirectory {
  let opened: Promise<Connection> | undefined
  return {
    async usersOf(addresses) {
      if (addresses.length === 0) return new Map()
      opened ??= database.connect()
      const connection = await opened
      const there = await connection.query<{ there: boolean }>(`select to_regclass('auth.users') is not null as there`)
      if (!there.rows[0]?.there) return new Map()
      const { rows } = await connection.query<{ id: string; email: string }>(
        `select id::text, lower(email) as email from auth.users where lower(email) = any ($1) order by created_at desc, id desc`,
        [addresses],
      )
      return new Map(rows.map(({ id, email }) => [email, id]))
    },
    async stop() {
      await (await opened?.catch(() => undefined))?.end()
    },
  }
}
