import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import type { Heap, LedgerTable } from './catalog.ts'
import { rowAlias } from './image.ts'
import type { Side, TablePair } from './layout.ts'
import type { SessionPair } from './session.ts'

/** The heaps of one side with those chunks of them that the other side does not have in the same place with the same rows. */
export type Differing = {
  readonly rows: number
  readonly pagesPerChunk: number
  readonly heaps: readonly { readonly heap: Heap; readonly chunks: readonly number[] }[]
}

export type ScanResult = {
  /** Rows of the whole table on each side. */
  readonly rows: Readonly<Record<Side, number>>
  readonly equal: boolean
  readonly differing: Readonly<Record<Side, Differing>>
}

/** The hash of a row on each side, as SQL. */
export type RowHashes = Readonly<Record<Side, { readonly rowHash: string }>>

type Chunks = ReadonlyMap<string, { readonly count: number; readonly sum: string }>

/**
 * Hashes both sides of a table in one pass each, a sum of row hashes for every few pages. A clone keeps its rows where they
 * were, so chunks with equal sums hold the same rows and cancel out; what differs is left for `narrow`. Nothing rests on
 * the place being the same: a rewritten table just has no equal chunks.
 */
export async function scanTable(pair: SessionPair, table: TablePair, layout: RowHashes): Promise<ScanResult> {
  const pagesPerChunk = Math.max(8, Math.ceil(largestHeap(table) / 8192))
  const [before, after] = await Promise.all([
    hashChunks(pair.before, table.before, layout.before.rowHash, pagesPerChunk),
    hashChunks(pair.after, table.after, layout.after.rowHash, pagesPerChunk),
  ])
  const names = heapNames(table)
  const left = differingChunks(table.before, before, table.after, after, names, pagesPerChunk)
  const right = differingChunks(table.after, after, table.before, before, names, pagesPerChunk)
  return {
    rows: { before: total(before), after: total(after) },
    equal: left.rows === 0 && right.rows === 0,
    differing: { before: left, after: right },
  }
}

/** Every chunk of every heap: for a table whose columns went, where rows matter that are equal in the columns left. */
export function everyChunk(table: LedgerTable, rows: number): Differing {
  const pagesPerChunk = Math.max(8, ...table.heaps.map((heap) => heap.pages))
  return {
    rows,
    pagesPerChunk,
    heaps: table.heaps.filter((heap) => heap.pages > 0).map((heap) => ({ heap, chunks: [0] })),
  }
}

/** `FROM` items that yield `columns` for each row of the chunks, one query for each heap. */
export function selectRows(differing: Differing, columns: string): string {
  const { pagesPerChunk, heaps } = differing
  return heaps
    .map(
      ({ heap, chunks }) => `SELECT ledger_found.* FROM unnest('{${chunks.join(',')}}'::int[]) AS ledger_chunk (place)
        CROSS JOIN LATERAL (SELECT ${columns} FROM ${inChunk(heap, pagesPerChunk)} OFFSET 0) AS ledger_found`,
    )
    .join('\nUNION ALL\n')
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
): Promise<Chunks> {
  const chunks = new Map<string, { count: number; sum: string }>()
  for (const heap of table.heaps) {
    const last = Math.ceil(heap.pages / pagesPerChunk) - 1
    if (last < 0) continue
    const { rows } = await connection.query<[number, number, string]>({
      rowMode: 'array',
      text: `SELECT ledger_chunk.place, ledger_sum.* FROM generate_series(0, ${last}) AS ledger_chunk (place)
        CROSS JOIN LATERAL (SELECT count(*)::int, sum(hashfloat8extended((${rowHash})::float8, 0))::text FROM ${inChunk(heap, pagesPerChunk)}) AS ledger_sum
        WHERE ledger_sum.count > 0`,
    })
    for (const [place, count, sum] of rows) chunks.set(`${heap.oid}/${place}`, { count, sum })
  }
  return chunks
}

function inChunk(heap: Heap, pagesPerChunk: number): string {
  const edge = (offset: number) => `format('(%s,0)', (ledger_chunk.place + ${offset})::bigint * ${pagesPerChunk})::tid`
  return `ONLY ${qualified(heap.schema, heap.name)} AS ${rowAlias} WHERE ${rowAlias}.ctid >= ${edge(0)} AND ${rowAlias}.ctid < ${edge(1)}`
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
    for (let place = 0; place * pagesPerChunk < heap.pages; place++) {
      const mine = chunks.get(`${heap.oid}/${place}`)
      if (!mine) continue
      const theirs = partner && otherChunks.get(`${partner.oid}/${place}`)
      if (theirs && theirs.count === mine.count && theirs.sum === mine.sum) continue
      places.push(place)
      rows += mine.count
    }
    return { heap, chunks: places }
  })
  return { rows, pagesPerChunk, heaps: heaps.filter((heap) => heap.chunks.length > 0) }
}

const total = (chunks: Chunks) => [...chunks.values()].reduce((sum, chunk) => sum + chunk.count, 0)

const largestHeap = (table: TablePair) =>
  Math.max(0, ...[...table.before.heaps, ...table.after.heaps].map((heap) => heap.pages))
