import { closeSync, openSync, readSync } from 'node:fs'
import type { DataForm, DumpData, LargeObjectPiece } from '../dump.ts'
import { BlockReader, blockChanged, type DataBlock } from './blocks.ts'
import { signedInteger } from './cursor.ts'
import { keepsPieces, type Packing, unpackPieces, unpackWhole } from './unpack.ts'

/** Below this, handing work to other threads takes longer than doing it. */
const smallBytes = 32 * 1024

type Custom = {
  readonly path: string
  /** Of the dump, for messages. */
  readonly name: string
  readonly integerSize: number
  readonly compression: Packing
  /** By id of the entry. */
  readonly blocks: ReadonlyMap<number, DataBlock>
}

/** The data of a custom archive: blocks of one file. */
export class CustomData implements DumpData {
  readonly #archive: Custom

  constructor(archive: Custom) {
    this.#archive = archive
  }

  form(entryId: number): DataForm | undefined {
    const block = this.#archive.blocks.get(entryId)
    return block?.kind === 'rows' ? 'copy' : block?.kind
  }

  bytes(entryId: number): number {
    const block = this.#archive.blocks.get(entryId)
    return block ? block.end - block.start : 0
  }

  async *rows(entryId: number): AsyncGenerator<Buffer> {
    const { name, compression } = this.#archive
    const block = this.#block(entryId)
    const place = `the data of entry ${entryId}`
    if (block.end - block.start < smallBytes) {
      const rows = unpackWhole(readSmallBlock(this.#archive, block), compression, { path: name, place })
      if (rows) {
        if (rows.length > 0) yield rows
        return
      }
    }
    await using reader = await BlockReader.open(this.#archive, block)
    yield* unpackPieces(reader.payload({ keep: keepsPieces(compression) }), compression, { path: name, place })
  }

  async *largeObjects(entryId: number): AsyncGenerator<LargeObjectPiece> {
    const { name, compression } = this.#archive
    await using reader = await BlockReader.open(this.#archive, this.#block(entryId))
    for (let id = await reader.integer(); id !== 0; id = await reader.integer()) {
      // Oids above 2^31 stand there as negative numbers.
      const oid = id >>> 0
      let offset = 0
      for await (const bytes of unpackPieces(reader.payload({ keep: keepsPieces(compression) }), compression, {
        path: name,
        place: `large object ${oid}`,
      })) {
        yield { oid, offset, bytes }
        offset += bytes.length
      }
    }
  }

  #block(entryId: number): DataBlock {
    const block = this.#archive.blocks.get(entryId)
    if (!block) throw new Error(`Entry ${entryId} has no data`)
    return block
  }
}

/** The packed bytes of a block, in one piece. */
function readSmallBlock({ path, name, integerSize }: Custom, block: DataBlock): Buffer {
  const bytes = Buffer.alloc(block.end - block.start)
  const file = openSync(path, 'r')
  try {
    if (readSync(file, bytes, 0, bytes.length, block.start) < bytes.length) throw blockChanged(name)
  } finally {
    closeSync(file)
  }
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const length = signedInteger(bytes, offset, integerSize)
    offset += 1 + integerSize
    if (length === undefined || length < 0 || offset + length > bytes.length) throw blockChanged(name)
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(offset, offset + length))
    offset += length
  }
}
