import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import type { Heap, LedgerColumn } from './catalog.ts'
import { chunkName, everyPlace, theseChunks } from './chunks.ts'
import { keepsItsBytes } from './image.ts'
import type { TablePair } from './layout.ts'
import type { SessionPair } from './session.ts'

/** Chunks whose pages hold the same bytes on both sides. */
export type SameChunks = {
  /** By `chunkName`, which is the same on both sides. */
  readonly places: ReadonlySet<string>
  /** Rows of all of a heap before, by oid, of those heaps that have such chunks. */
  readonly heapRows: ReadonlyMap<number, number>
}

export const noChunks: SameChunks = { places: new Set(), heapRows: new Map() }

/**
 * Finds the chunks of a table and its clone that are the same byte by byte, which is several times as fast as hashing rows;
 * these need no second look. That is proof where all of this holds, and is not tried where it does not:
 *
 * - Both sessions keep writers off the table (see `whileSteady`), and what was written is in its file: a checkpoint comes
 *   before the file is read. An unlogged table, which no checkpoint writes, is left out.
 * - The bytes say the same on both sides: the same columns in the same places, of types whose value is in its bytes alone
 *   (an enum keeps the number of its label, `regclass` that of a table). A value that is stored apart stays what it is as
 *   long as its row points to it.
 * - The same rows are visible: both databases share the server's record of what was committed.
 *
 * The sessions need a superuser, as the harness' are.
 */
export async function sameChunks(sessions: SessionPair, table: TablePair, pagesPerChunk: number): Promise<SameChunks> {
  const same = new Set<string>()
  const heapRows = new Map<number, number>()
  for (const heap of comparableHeaps(table)) {
    await sessions.after.query('CHECKPOINT')
    const equal = (places: readonly number[]) => equalPlaces(sessions, heap, pagesPerChunk, places)
    const all = everyPlace(heap.before, pagesPerChunk)
    const some = all.filter((place) => place % Math.ceil(all.length / samples) === 0)
    // Where hardly any is the same, all bytes would be read for nothing: each row is hashed anyway.
    if (all.length > 2 * samples && (await equal(some)).length < some.length / 8) continue
    const places = await equal(all)
    if (places.length === 0) continue
    for (const place of places) same.add(chunkName(heap.before, place))
    heapRows.set(heap.before.oid, await countRows(sessions.before, heap.before))
  }
  return { places: same, heapRows }
}

/** Chunks of a table that are looked at first, spread over all of it. */
const samples = 64

async function equalPlaces(
  sessions: SessionPair,
  heap: HeapPair,
  pagesPerChunk: number,
  places: readonly number[],
): Promise<readonly number[]> {
  const [left, right] = await Promise.all([
    hashPages(sessions.before, heap.before, pagesPerChunk, places),
    hashPages(sessions.after, heap.after, pagesPerChunk, places),
  ])
  return [...left].filter(([place, bytes]) => bytes === right.get(place)).map(([place]) => place)
}

type HeapPair = { readonly before: Heap; readonly after: Heap }

/** Heaps that have one file since the databases were one, and whose bytes say the same on both sides. Pure. */
export function comparableHeaps(table: TablePair): readonly HeapPair[] {
  if (!table.common.every(sameBytes)) return []
  return table.before.heaps.flatMap((before) => {
    const after = table.after.heaps.find(({ oid }) => oid === before.oid)
    if (after === undefined || before.file === null || after.file === null) return []
    // A partition may have its columns in other places than its table.
    const partition = before.oid !== table.before.oid || after.oid !== table.after.oid
    if (partition && before.columns !== after.columns) return []
    return fileNumber(before.file) === fileNumber(after.file) ? [{ before, after }] : []
  })
}

/** A column that was added with a default has it in the catalogue for the rows that were there, not in their bytes. */
function sameBytes({ before, after }: { readonly before: LedgerColumn; readonly after: LedgerColumn }): boolean {
  return (
    before.position === after.position &&
    before.type === after.type &&
    before.whenAbsent === after.whenAbsent &&
    before.generated === undefined &&
    after.generated === undefined &&
    keepsItsBytes(before) &&
    keepsItsBytes(after)
  )
}

const fileNumber = (file: string) => file.slice(file.lastIndexOf('/') + 1)

/** All rows of the heap. One pass over the table takes few buffers; one over an index, or over the chunks, fills all of them. */
async function countRows(connection: Connection, heap: Heap): Promise<number> {
  await connection.query('SET enable_indexonlyscan = off')
  const { rows } = await connection.query<{ count: number }>(
    `SELECT count(*)::float8 AS count FROM ONLY ${qualified(heap.schema, heap.name)}`,
  )
  await connection.query('RESET enable_indexonlyscan')
  return rows[0]?.count ?? 0
}

/** A hash of the bytes of each of these chunks that could be read to its end. */
async function hashPages(
  connection: Connection,
  heap: Heap,
  pagesPerChunk: number,
  places: readonly number[],
): Promise<Map<number, string>> {
  const { rows } = await connection.query<[number, number, string]>({
    rowMode: 'array',
    text: `SELECT place, (octet_length(bytes) / block)::int, hash_record_extended(ROW(bytes), 0)::text FROM (
      SELECT place, block, pg_read_binary_file($1 || coalesce('.' || nullif(start / segment, 0), ''), start % segment * block, ${pagesPerChunk} * block) AS bytes
      FROM (SELECT ledger_chunk.place, ledger_chunk.place::bigint * ${pagesPerChunk} AS start FROM ${theseChunks(places)}) AS ledger_start,
        (SELECT current_setting('block_size')::bigint AS block, (pg_size_bytes(current_setting('segment_size')) / current_setting('block_size')::bigint) AS segment) AS ledger_sizes
      OFFSET 0) AS ledger_pages`,
    values: [heap.file],
  })
  const whole = (place: number) => Math.min(pagesPerChunk, heap.pages - place * pagesPerChunk)
  return new Map(rows.filter(([place, pages]) => pages === whole(place)).map(([place, , hash]) => [place, hash]))
}
