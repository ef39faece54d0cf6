import type { Connection } from '../database/engine.ts'
import { displayName } from '../database/identifiers.ts'
import type { TableRows } from '../model/migration-run.ts'
import { compareText } from './order.ts'

/**
 * Hands what the session has counted so far to the server, so that a transaction begins with nothing: Postgres may carry
 * numbers over from one into the next. To be called outside of a transaction.
 */
export async function forgetRowCounts(connection: Connection): Promise<void> {
  await connection.query('SELECT pg_catalog.pg_stat_force_next_flush()')
}

/** What the open transaction has written; of little cost, since Postgres counts it anyway. */
export async function takeRowCounts(connection: Connection): Promise<readonly TableRows[]> {
  const { rows } = await connection.query<CountRow>(
    `SELECT schemaname AS schema, relname AS name, n_tup_ins::float8 AS inserted, n_tup_upd::float8 AS updated,
       n_tup_del::float8 AS deleted
     FROM pg_catalog.pg_stat_xact_user_tables
     WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND schemaname NOT LIKE 'pg\\_%'`,
  )
  return rows.map(({ schema, name, ...counts }) => ({ table: displayName(schema, name), ...counts }))
}

type CountRow = {
  readonly schema: string
  readonly name: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/** Sums by table, sorted by table. */
export function addRows(earlier: readonly TableRows[], more: readonly TableRows[]): readonly TableRows[] {
  const totals = new Map(earlier.map((rows) => [rows.table, rows]))
  for (const { table, inserted, updated, deleted } of more) {
    const total = totals.get(table)
    totals.set(table, {
      table,
      inserted: inserted + (total?.inserted ?? 0),
      updated: updated + (total?.updated ?? 0),
      deleted: deleted + (total?.deleted ?? 0),
    })
  }
  return [...totals.values()].sort((one, other) => compareText(one.table, other.table))
}
