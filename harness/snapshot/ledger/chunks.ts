import { qualified } from '../../database/identifiers.ts'
import type { Heap, LedgerTable } from './catalog.ts'
import { rowAlias } from './image.ts'

/** The heaps of one side with those chunks of them that the other side does not have in the same place with the same rows. */
export type Differing = {
  readonly rows: number
  readonly pagesPerChunk: number
  readonly heaps: readonly { readonly heap: Heap; readonly chunks: readonly number[] }[]
}

export const chunkName = (heap: Pick<Heap, 'oid'>, place: number) => `${heap.oid}/${place}`

/** Oid of the heap in a `chunkName`. */
export const heapOf = (name: string) => Number.parseInt(name, 10)

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
      ({ heap, chunks }) => `SELECT ledger_found.* FROM ${theseChunks(chunks)}
        CROSS JOIN LATERAL (SELECT ${columns} FROM ${inChunk(heap, pagesPerChunk)} OFFSET 0) AS ledger_found`,
    )
    .join('\nUNION ALL\n')
}

/** The rows of one chunk, whose place comes from `theseChunks`. */
export function inChunk(heap: Heap, pagesPerChunk: number): string {
  const edge = (offset: number) => `format('(%s,0)', (ledger_chunk.place + ${offset})::bigint * ${pagesPerChunk})::tid`
  return `ONLY ${qualified(heap.schema, heap.name)} AS ${rowAlias} WHERE ${rowAlias}.ctid >= ${edge(0)} AND ${rowAlias}.ctid < ${edge(1)}`
}

/** All places up to a number of pages, or some of them. */
export function theseChunks(chunks: readonly number[]): string {
  return `unnest('{${chunks.join(',')}}'::int[]) AS ledger_chunk (place)`
}

export function everyPlace(heap: Heap, pagesPerChunk: number): readonly number[] {
  return Array.from({ length: Math.ceil(heap.pages / pagesPerChunk) }, (_, place) => place)
}
