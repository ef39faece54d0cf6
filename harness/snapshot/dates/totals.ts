import type { Connection } from '../../database/engine.ts'
import { everyChunk, selectRows } from '../ledger/chunks.ts'
import type { Side } from '../ledger/layout.ts'
import type { DateTable } from './columns.ts'

/** Aggregates over all rows of one side. */
export async function totals(
  connection: Connection,
  { pair }: DateTable,
  side: Side,
  aggregates: readonly string[],
): Promise<readonly number[]> {
  const everything = everyChunk(pair[side], 0)
  if (aggregates.length === 0 || everything.heaps.length === 0) return aggregates.map(() => 0)
  const rows = selectRows(everything, 'ledger_row.*')
  const { rows: found } = await connection.query<number[]>({
    rowMode: 'array',
    text: `SELECT ${aggregates.map((one) => `(${one})::float8`).join(', ')} FROM (${rows}) AS ledger_row`,
  })
  return found[0] ?? []
}
