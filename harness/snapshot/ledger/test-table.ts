import { resourceUsage } from 'node:process'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'

export type TestTable = {
  readonly cluster: Cluster
  readonly before: Database
  /** A clone in which `changed` rows of `messages`, spread over all of it, have another body. */
  readonly after: Database
}

/** `messages` with `rows` rows of 160 bytes on both sides, for measuring. Stop the cluster in the end. */
export async function startTestTable(rows: number, changed: number): Promise<TestTable> {
  // Some clones are made of it, and rows written anew leave their old ones: what memory cannot hold goes to the disk.
  const cluster = await startTestCluster(rows * 200)
  const before = await cluster.createDatabase('before')
  {
    await using connection = await before.connect()
    await connection.query(`CREATE TABLE messages AS SELECT g::bigint AS id, gen_random_uuid() AS sender, md5(g::text) AS subject,
      repeat(md5((g * 7)::text), 2) AS body, now() + g * interval '1 second' AS sent_at, g % 100 AS room FROM generate_series(1, ${rows}) g`)
    await connection.query('ALTER TABLE messages ADD PRIMARY KEY (id)')
    await connection.query('VACUUM (ANALYZE, FREEZE) messages')
    // pg_comparator's own functions are built for another server. Postgres' hash, inlined, is faster than they are.
    await connection.query(`CREATE FUNCTION cksum4(text) RETURNS int4 LANGUAGE sql IMMUTABLE AS 'SELECT hashtext($1)';
      CREATE FUNCTION cksum8(text) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT hashtextextended($1, 0)'`)
  }
  const after = await before.clone('after')
  await using connection = await after.connect()
  await connection.query(`UPDATE messages SET body = 'overwritten' WHERE id % ${Math.floor(rows / changed)} = 7`)
  return { cluster, before, after }
}

/** Milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The most that this process ever held, in MB. */
export const peakMemory = () => resourceUsage().maxRSS / 1024
