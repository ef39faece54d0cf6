import type { Connection } from '../database/engine.ts'
import { displayName } from '../database/identifiers.ts'
import type { TableRows } from '../model/migration-run.ts'
import { compareText } from './order.ts'

/** Rows written by the session per table, so far; of little cost, since Postgres counts them anyway. */
export type RowCounts = ReadonlyMap<string, Omit<TableRows, 'table'>>

/**
 * What the session has written. Postgres may carry numbers of the transaction before over into the next one, which is
 * why the numbers at its beginning are subtracted from those at its end.
 */
export async function takeRowCounts(connection: Connection): Promise<RowCounts> {
  const { rows } = await connection.query<CountRow>(
    `SELECT schemaname AS schema, relname AS name, n_tup_ins::float8 AS inserted, n_tup_upd::float8 AS updated,
       n_tup_del::float8 AS deleted
     FROM pg_catalog.pg_stat_xact_user_tables
     WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND schemaname NOT LIKE 'pg\\_%'`,
  )
  return new Map(
    rows.map(({ schema, name, inserted, updated, deleted }) => [
      displayName(schema, name),
      { inserted, updated, deleted },
    ]),
  )
}

type CountRow = {
  readonly schema: string
  readonly name: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/** `earlier` plus what was written since `before`, sorted by table. */
export async function rowsSince(
  connection: Connection,
  before: RowCounts,
  earlier: readonly TableRows[],
): Promise<readonly TableRows[]> {
  const totals = new Map(earlier.map((rows) => [rows.table, rows]))
  for (const [table, now] of await takeRowCounts(connection)) {
    const then = before.get(table)
    const total = totals.get(table)
    const sum = {
      table,
      inserted: now.inserted - (then?.inserted ?? 0) + (total?.inserted ?? 0),
      updated: now.updated - (then?.updated ?? 0) + (total?.updated ?? 0),
      deleted: now.deleted - (then?.deleted ?? 0) + (total?.deleted ?? 0),
    }
    if (sum.inserted + sum.updated + sum.deleted > 0) totals.set(table, sum)
  }
  return [...totals.values()].sort((one, other) => compareText(one.table, other.table))
}
