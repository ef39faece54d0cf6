import type { Connection } from '../../database/engine.ts'
import type { ServerFacts } from '../plan.ts'

/** What a plan must know of the server and the database it is for. */
export async function takeServerFacts(connection: Connection, database: string): Promise<ServerFacts> {
  const extensions = await connection.query<{ name: string; comment: string | null; schema: string | null }>(`
    SELECT e.name, e.comment, v.schema
      FROM pg_catalog.pg_available_extensions e
      LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version`)
  const roles = await connection.query<{ name: string; superuser: boolean }>(
    'SELECT rolname AS name, rolsuper AS superuser FROM pg_catalog.pg_roles',
  )
  return {
    database,
    extensions: new Map(
      extensions.rows.map(({ name, comment, schema }) => [
        name,
        { comment: comment ?? '', ...(schema === null ? {} : { schema }) },
      ]),
    ),
    roles: new Set(roles.rows.map(({ name }) => name)),
    superusers: new Set(roles.rows.filter(({ superuser }) => superuser).map(({ name }) => name)),
  }
}
