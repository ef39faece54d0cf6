import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createInflate, createZstdDecompress, inflateSync, zstdDecompressSync } from 'node:zlib'
import { HarnessError } from '../../errors.ts'
import type { DataBlock, Dump } from '../dump.ts'
import { signedInteger } from './cursor.ts'
import { unpackLz4 } from './lz4.ts'

/** Size of what is read, unpacked and handed on at once: large enough that the cost per piece does not show. */
const pieceBytes = 256 * 1024

/** Below this, handing work to other threads takes longer than doing it. */
const smallBytes = 32 * 1024

/** The unpacked bytes of a block of rows: COPY's text format, closed by its `\.` line. Throws `dump.corrupt`. */
export async function* readRows(dump: Dump, block: DataBlock): AsyncGenerator<Buffer> {
  const unpackSmall = smallUnpackers[dump.facts.compression]
  if (unpackSmall && block.end - block.start < smallBytes) {
    const rows = orCorrupt(dump, () => unpackSmall(readSmallBlock(dump, block)))
    if (rows.length > 0) yield rows
    return
  }
  await using reader = await BlockReader.open(dump, block)
  yield* unpack(dump, reader.payload())
}

export type LargeObjectPiece = { readonly oid: number; readonly offset: number; readonly bytes: Buffer }

/** Every large object of a block, piece by piece. Throws `dump.corrupt`. */
export async function* readLargeObjects(dump: Dump, block: DataBlock): AsyncGenerator<LargeObjectPiece> {
  await using reader = await BlockReader.open(dump, block)
  for (let oid = await reader.integer(); oid !== 0; oid = await reader.integer()) {
    let offset = 0
    // Oids above 2^31 stand there as negative numbers.
    for await (const bytes of unpack(dump, reader.payload())) {
      yield { oid: oid >>> 0, offset, bytes }
      offset += bytes.length
    }
  }
}

async function* unpack(dump: Dump, payload: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    switch (dump.facts.compression) {
      case 'none':
        yield* payload
        return
      case 'lz4':
        yield* unpackLz4(payload)
        return
      case 'gzip':
      case 'zstd': {
        const options = { chunkSize: pieceBytes, highWaterMark: pieceBytes }
        const unpacked = dump.facts.compression === 'gzip' ? createInflate(options) : createZstdDecompress(options)
        const source = Readable.from(payload, { objectMode: true, highWaterMark: 1 })
        source.on('error', (error) => unpacked.destroy(error))
        source.pipe(unpacked)
        try {
          yield* unpacked
        } finally {
          source.destroy()
          unpacked.destroy()
        }
      }
    }
  } catch (cause) {
    throw corrupt(dump, cause)
  }
}

const smallUnpackers: Readonly<Partial<Record<Dump['facts']['compression'], (packed: Buffer) => Buffer>>> = {
  none: (bytes) => bytes,
  gzip: inflateSync,
  zstd: zstdDecompressSync,
}

function readSmallBlock(dump: Dump, block: DataBlock): Buffer {
  const bytes = Buffer.alloc(block.end - block.start)
  const file = openSync(dump.facts.path, 'r')
  try {
    if (readSync(file, bytes, 0, bytes.length, block.start) < bytes.length) throw changed(dump.facts.path)
  } finally {
    closeSync(file)
  }
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const length = signedInteger(bytes, offset, dump.integerSize)
    offset += 1 + dump.integerSize
    if (length === undefined || length < 0 || offset + length > bytes.length) throw changed(dump.facts.path)
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(offset, offset + length))
    offset += length
  }
}

function orCorrupt<T>(dump: Dump, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw corrupt(dump, cause)
  }
}

function corrupt({ facts }: Dump, cause: unknown): HarnessError {
  if (cause instanceof HarnessError) return cause
  return new HarnessError(
    'dump.corrupt',
    `${facts.path} is damaged: a block of its data does not unpack (${facts.compression}). Take the dump again.`,
    { facts: { path: facts.path }, cause },
  )
}

function changed(path: string): HarnessError {
  return new HarnessError('dump.corrupt', `${path} is no longer what it was when it was first read. Run again.`, {
    facts: { path },
  })
}

/** Reads one block from its start, length by length, in large reads. */
class BlockReader implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #integerSize: number
  readonly #path: string
  readonly #end: number
  #position: number
  #window: Buffer = Buffer.alloc(0)
  #offset = 0

  private constructor(file: FileHandle, dump: Dump, block: DataBlock) {
    this.#file = file
    this.#integerSize = dump.integerSize
    this.#path = dump.facts.path
    this.#position = block.start
    this.#end = block.end
  }

  static async open(dump: Dump, block: DataBlock): Promise<BlockReader> {
    return new BlockReader(await open(dump.facts.path, 'r'), dump, block)
  }

  async integer(): Promise<number> {
    const length = 1 + this.#integerSize
    if (this.#window.length - this.#offset < length) await this.#fill()
    return this.#length()
  }

  /** The bytes between here and the next length of 0, in pieces, the lengths between them taken out. */
  async *payload(): AsyncGenerator<Buffer> {
    const integerBytes = 1 + this.#integerSize
    let piece = Buffer.allocUnsafeSlow(pieceBytes)
    let used = 0
    let left = 0
    for (;;) {
      if (left === 0) {
        if (this.#window.length - this.#offset < integerBytes) await this.#fill()
        left = this.#length()
        if (left === 0) break
      }
      if (this.#offset === this.#window.length) await this.#fill()
      const step = Math.min(left, this.#window.length - this.#offset, pieceBytes - used)
      if (step === 0) throw changed(this.#path)
      this.#window.copy(piece, used, this.#offset, this.#offset + step)
      this.#offset += step
      used += step
      left -= step
      if (used === pieceBytes) {
        yield piece
        piece = Buffer.allocUnsafeSlow(pieceBytes)
        used = 0
      }
    }
    if (used > 0) yield piece.subarray(0, used)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close()
  }

  #length(): number {
    const length = 1 + this.#integerSize
    const whole = this.#window.length - this.#offset >= length
    const value = whole ? signedInteger(this.#window, this.#offset, this.#integerSize) : undefined
    if (value === undefined) throw changed(this.#path)
    this.#offset += length
    return value
  }

  /** Drops what was read and reads on: afterwards the window starts at the next byte. */
  async #fill(): Promise<void> {
    const rest = this.#window.subarray(this.#offset)
    const window = Buffer.allocUnsafeSlow(rest.length + Math.min(pieceBytes, this.#end - this.#position))
    rest.copy(window)
    let filled = rest.length
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, this.#position)
      if (bytesRead === 0) throw changed(this.#path)
      filled += bytesRead
      this.#position += bytesRead
    }
    this.#window = window
    this.#offset = 0
  }
}
