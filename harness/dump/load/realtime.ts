import type { Connection } from '../../database/engine.ts'

/**
 * The realtime service makes one partition of `realtime.messages` a day; nothing does here, and what is sent would be
 * refused. A default partition takes it; made last, it gets every index and constraint of its parent.
 * The plan says so of the table (`wantsRealtimePartition`).
 */
export async function addRealtimePartition(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ owner: string }>(`
    SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) AS owner
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
     WHERE c.oid = pg_catalog.to_regclass('realtime.messages') AND p.partdefid = 0`)
  const owner = rows[0]?.owner
  if (owner === undefined) return
  await connection.query(`
    CREATE TABLE realtime.messages_default PARTITION OF realtime.messages DEFAULT;
    ALTER TABLE realtime.messages_default OWNER TO ${owner};`)
}
