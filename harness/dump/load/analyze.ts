import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import { throwIfFatal } from './outcome.ts'

/** Gathers the planner's statistics of every table, largest first, shared out over the connections. */
export async function analyzeTables(connections: readonly Connection[]): Promise<void> {
  const [first] = connections
  if (!first) return
  const { rows } = await first.query<{ schema: string; name: string }>(`
    SELECT n.nspname AS schema, c.relname AS name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname !~ '^(pg_|information_schema$)' AND (c.relkind = 'p' OR pg_relation_size(c.oid) > 0)
     ORDER BY pg_relation_size(c.oid), n.nspname DESC, c.relname DESC`)
  const waiting = [...rows]
  await Promise.all(
    connections.map(async (connection) => {
      // Large ones alone, so that the work is shared evenly; many small ones in one message.
      for (;;) {
        const tables = waiting.splice(-Math.max(1, Math.ceil(waiting.length / 16)))
        if (tables.length === 0) return
        const names = tables.map(({ schema, name }) => qualified(schema, name)).join(', ')
        await connection.query(`ANALYZE ${names}`).catch((error: unknown) => throwIfFatal(error))
      }
    }),
  )
}
