import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import type { LedgerTable } from './catalog.ts'
import { chunkName, type Differing, everyPlace, heapOf, inChunk, theseChunks } from './chunks.ts'
import type { Side, TablePair } from './layout.ts'
import { noChunks, type SameChunks } from './pages.ts'
import type { SessionPair } from './session.ts'

export type ScanResult = {
  /** Rows of the whole table on each side. */
  readonly rows: Readonly<Record<Side, number>>
  readonly equal: boolean
  readonly differing: Readonly<Record<Side, Differing>>
}

/** The hash of a row on each side, as SQL. */
export type RowHashes = Readonly<Record<Side, { readonly rowHash: string }>>

type Chunks = ReadonlyMap<string, { readonly count: number; readonly sum: string }>

/** Pages in a chunk of this table: a power of two, so that no chunk lies in two files. */
export function pagesPerChunkOf(table: TablePair): number {
  const largest = Math.max(0, ...[...table.before.heaps, ...table.after.heaps].map((heap) => heap.pages))
  return 2 ** Math.ceil(Math.log2(Math.max(8, largest / 8192)))
}

/**
 * Hashes both sides of a table in one pass each, a sum of row hashes for every few pages. A clone keeps its rows where they
 * were, so chunks with equal sums hold the same rows and cancel out; what differs is left for `narrow`. Nothing rests on
 * the place being the same: a rewritten table just has no equal chunks. `same`: chunks that are known to be equal.
 */
export async function scanTable(
  pair: SessionPair,
  table: TablePair,
  layout: RowHashes,
  same: SameChunks = noChunks,
): Promise<ScanResult> {
  const pagesPerChunk = pagesPerChunkOf(table)
  const [before, after] = await Promise.all([
    hashChunks(pair.before, table.before, layout.before.rowHash, pagesPerChunk, same.places),
    hashChunks(pair.after, table.after, layout.after.rowHash, pagesPerChunk, same.places),
  ])
  const names = heapNames(table)
  const left = differingChunks(table.before, before, table.after, after, names, pagesPerChunk)
  const right = differingChunks(table.after, after, table.before, before, names, pagesPerChunk)
  const alike = rowsInSame(before, same)
  return {
    rows: { before: total(before) + alike, after: total(after) + alike },
    equal: left.rows === 0 && right.rows === 0,
    differing: { before: left, after: right },
  }
}

/**
 * The hash of a record is a linear sum of those of its fields, so a sum of them stays the same when two rows swap values:
 * each is hashed once more, which is not linear. (hashint8extended would do with 32 of the 64 bits.)
 */
async function hashChunks(
  connection: Connection,
  table: LedgerTable,
  rowHash: string,
  pagesPerChunk: number,
  known: ReadonlySet<string>,
): Promise<Chunks> {
  const chunks = new Map<string, { count: number; sum: string }>()
  for (const heap of table.heaps) {
    const places = everyPlace(heap, pagesPerChunk).filter((place) => !known.has(chunkName(heap, place)))
    if (places.length === 0) continue
    const { rows } = await connection.query<[number, number, string]>({
      rowMode: 'array',
      text: `SELECT ledger_chunk.place, ledger_sum.* FROM ${theseChunks(places)}
        CROSS JOIN LATERAL (SELECT count(*)::int, sum(hashfloat8extended((${rowHash})::float8, 0))::text FROM ${inChunk(heap, pagesPerChunk)}) AS ledger_sum
        WHERE ledger_sum.count > 0`,
    })
    for (const [place, count, sum] of rows) chunks.set(chunkName(heap, place), { count, sum })
  }
  return chunks
}

/** Heaps of both sides that may hold rows in the same places: by oid, else by name. */
function heapNames(table: TablePair): ReadonlyMap<number, number> {
  const oids = new Set(table.after.heaps.map((heap) => heap.oid))
  const byName = new Map(table.after.heaps.map((heap) => [qualified(heap.schema, heap.name), heap.oid]))
  const names = new Map<number, number>()
  for (const heap of table.before.heaps) {
    const other = oids.has(heap.oid) ? heap.oid : byName.get(qualified(heap.schema, heap.name))
    if (other === undefined) continue
    names.set(heap.oid, other)
    names.set(other, heap.oid)
  }
  return names
}

/** Chunks that neither side was asked for have no sum on either, and are equal. */
function differingChunks(
  own: LedgerTable,
  chunks: Chunks,
  other: LedgerTable,
  otherChunks: Chunks,
  names: ReadonlyMap<number, number>,
  pagesPerChunk: number,
): Differing {
  let rows = 0
  const heaps = own.heaps.map((heap) => {
    const partner = other.heaps.find((one) => one.oid === names.get(heap.oid))
    const places: number[] = []
    for (const place of everyPlace(heap, pagesPerChunk)) {
      const mine = chunks.get(chunkName(heap, place))
      if (!mine) continue
      const theirs = partner && otherChunks.get(chunkName(partner, place))
      if (theirs && theirs.count === mine.count && theirs.sum === mine.sum) continue
      places.push(place)
      rows += mine.count
    }
    return { heap, chunks: places }
  })
  return { rows, pagesPerChunk, heaps: heaps.filter((heap) => heap.chunks.length > 0) }
}

/** Rows of the chunks that are the same: those of their heaps, less those of the chunks that were hashed. */
function rowsInSame(before: Chunks, { heapRows }: SameChunks): number {
  const hashed = [...before].filter(([name]) => heapRows.has(heapOf(name)))
  return sum(heapRows.values()) - sum(hashed.map(([, { count }]) => count))
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, number) => all + number, 0)

const total = (chunks: Chunks) => sum([...chunks.values()].map(({ count }) => count))
