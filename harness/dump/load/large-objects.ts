import type { Connection } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { DumpData } from '../dump.ts'

/** Fills the large objects of an entry, which their own entries have made, in one transaction. */
export async function loadLargeObjects(
  data: DumpData,
  entryId: number,
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<void> {
  await connection.query('BEGIN')
  try {
    for await (const { oid, offset, bytes } of data.largeObjects(entryId)) {
      throwIfAborted(signal, 'loading large objects')
      await connection.query({
        name: 'lo_put',
        text: 'SELECT pg_catalog.lo_put($1, $2, $3)',
        values: [oid, offset, bytes],
      })
    }
    await connection.query('COMMIT')
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => {})
    throw error
  }
}
