import type { Connection } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import { type Compact, reckoned, suspects } from './compare.ts'
import { type StoredTable, takeStorage, totalBytes } from './take.ts'

/** Beyond so many bytes a table is not written anew to see whether that helps. */
export const mostBytesToRewrite = 2 ** 30

/**
 * Writes the tables of after anew that take more for each row than before, and tells what they take then: exactly what
 * their rows need, on this server. Takes a clone that is looked at no more. Throws `database.failed`, `aborted`.
 */
export async function writeAnew(
  session: Connection,
  { before, after }: { readonly before: readonly StoredTable[]; readonly after: readonly StoredTable[] },
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, Compact>> {
  const doubtful = suspects(before, after)
  if (doubtful.length === 0) return new Map()
  await session.query('set statement_timeout = 0')
  const large = (table: StoredTable) => totalBytes(table) > mostBytesToRewrite
  for (const table of doubtful.filter((one) => !large(one))) {
    throwIfAborted(signal, `writing ${table.object} anew`)
    await session.query(`vacuum (full) ${table.sql}`)
  }
  const anew = new Map((await takeStorage(session)).map((table) => [table.oid, table]))
  return new Map(
    doubtful.flatMap((table): [number, Compact][] => {
      const written = anew.get(table.oid)
      const compact = large(table) ? reckoned(table, before) : written && { table: written, estimated: false }
      return compact === undefined ? [] : [[table.oid, compact]]
    }),
  )
}
