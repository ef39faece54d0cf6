import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import { HarnessError } from '../../errors.ts'
import type { LedgerTable } from './catalog.ts'

/**
 * Runs `work` in a transaction that keeps writers off the table, since a sum over rows that come and go says nothing. Waits
 * up to `lockTimeout` milliseconds for a writer to end. Throws `database.changing` when one does not, or when the table is
 * not as the catalogue saw it any more.
 */
export async function whileSteady<T>(
  connection: Connection,
  table: LedgerTable,
  lockTimeout: number,
  work: () => Promise<T>,
): Promise<T> {
  await connection.query('BEGIN READ ONLY')
  try {
    await keepStill(connection, table, lockTimeout)
    return await work()
  } finally {
    await connection.query('ROLLBACK').catch(() => {})
  }
}

async function keepStill(connection: Connection, table: LedgerTable, lockTimeout: number): Promise<void> {
  if (table.heaps.length === 0) return
  const heaps = table.heaps.map(({ schema, name }) => `ONLY ${qualified(schema, name)}`)
  try {
    await connection.query(`SET LOCAL lock_timeout = ${lockTimeout}; LOCK TABLE ${heaps.join(', ')} IN SHARE MODE`)
  } catch (cause) {
    // 55P03: somebody holds a row of it; 42P01: it is gone.
    if (cause instanceof Error && 'code' in cause && (cause.code === '55P03' || cause.code === '42P01'))
      throw changing(connection, table, cause)
    throw cause
  }
  const { rows } = await connection.query<{ oid: number; pages: number }>(
    `SELECT oid::bigint::float8 AS oid, (pg_relation_size(oid) / current_setting('block_size')::int)::float8 AS pages FROM pg_class WHERE oid = ANY ($1::oid[])`,
    [table.heaps.map(({ oid }) => oid)],
  )
  const pages = new Map(rows.map((row) => [row.oid, row.pages]))
  if (table.heaps.some((heap) => pages.get(heap.oid) !== heap.pages)) throw changing(connection, table)
}

function changing(connection: Connection, { object }: LedgerTable, cause?: unknown): HarnessError {
  const message = `${object} is written to while it is compared, in database ${connection.database}. End the sessions that write to it, then run again.`
  return new HarnessError('database.changing', message, { facts: { object }, ...(cause ? { cause } : {}) })
}
