import type { Transform } from 'node:stream'
import { createUnzip, createZstdDecompress, unzipSync } from 'node:zlib'
import { HarnessError } from '../../errors.ts'
import type { DumpFacts } from '../../model/restore-run.ts'
import { ByteInput, CutOff } from './byte-input.ts'
import { unpackLz4 } from './lz4.ts'
import { own, pieceBytes } from './pieces.ts'
import { nextZstdFrame } from './zstd.ts'

export type Packing = DumpFacts['compression']

/** For messages: what is read, and the place in it. `isFile`: that is a file by itself, so that it can be cut off. */
export type Place = { readonly path: string; readonly place: string; readonly isFile?: boolean }

/** `gzip` is also zlib's bare stream, as custom archives have it. Throws `dump.corrupt` and `dump.truncated`. */
export async function* unpackPieces(
  packed: AsyncIterable<Buffer>,
  packing: Packing,
  place: Place,
  limit: UnpackLimit = dataLimit,
): AsyncGenerator<Buffer> {
  let packedBytes = 0
  let bytes = 0
  async function* counted() {
    for await (const piece of packed) {
      packedBytes += piece.length
      yield piece
    }
  }
  try {
    for await (const piece of unpackers[packing](counted())) {
      bytes += piece.length
      if (bytes > limit.from && bytes > packedBytes * limit.ratio) throw tooLarge(place, packedBytes, bytes)
      yield piece
    }
  } catch (cause) {
    throw unpackFailed(place, packing, cause)
  }
}

/** Refuses what unpacks to more than `ratio` times its size, once it is above `from` bytes. */
export type UnpackLimit = { readonly ratio: number; readonly from: number }

/** For the rows of one table, which can be very much alike: what zlib can do at most. */
const dataLimit: UnpackLimit = { ratio: 1032, from: 2 ** 30 }

/** Whether packed pieces are still looked at once the next is asked for; where not, all can use the same memory. */
export function keepsPieces(packing: Packing): boolean {
  return packing !== 'gzip'
}

const unpackers: Readonly<Record<Packing, (packed: AsyncIterable<Buffer>) => AsyncIterable<Buffer>>> = {
  none: (packed) => packed,
  gzip: (packed) => through(createUnzip(options), packed),
  lz4: unpackLz4,
  async *zstd(packed) {
    using input = new ByteInput(packed)
    for (let frame = await nextZstdFrame(input); frame; frame = await nextZstdFrame(input))
      yield* through(createZstdDecompress(options), frame)
  },
}

const options = { chunkSize: pieceBytes, highWaterMark: pieceBytes }

/** Asks for the next piece when the one before is unpacked: see `keepsPieces`. */
async function* through(
  unpacker: Transform & { bytesWritten: number },
  packed: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let fed = 0
  let goOn = () => {}
  unpacker.once('close', () => goOn())
  const feed = async () => {
    for await (const piece of packed) {
      if (unpacker.destroyed) return
      fed += piece.length
      // One that is destroyed may leave its last piece without an answer.
      await new Promise<void>((resolve) => {
        goOn = resolve
        unpacker.write(piece, () => resolve())
      })
    }
    unpacker.end()
  }
  feed().catch((error: unknown) => unpacker.destroy(error as Error))
  try {
    for await (const piece of unpacker as AsyncIterable<Buffer>) yield own(piece, { isAll: false })
    // What follows the end of a stream is left over silently.
    if (unpacker.bytesWritten !== fed) throw new Error('bytes after the end')
  } finally {
    unpacker.on('error', () => {}) // one that comes after the end would end the process
    unpacker.destroy()
  }
}

/** A few bytes can unpack to any number. */
const wholeBytes = 16 << 20

/** At once; undefined for what only goes piece by piece, being large or of such a packing. Throws as `unpackPieces`. */
export function unpackWhole(packed: Buffer, packing: Packing, place: Place): Buffer | undefined {
  if (packing === 'none') return packed
  if (packing !== 'gzip') return undefined
  try {
    return unzipSync(packed, { maxOutputLength: wholeBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw unpackFailed(place, packing, cause)
  }
}

function unpackFailed({ path, place, isFile }: Place, packing: Packing, cause: unknown): HarnessError {
  if (cause instanceof HarnessError) return cause
  const facts = { path, place }
  const { code } = cause as NodeJS.ErrnoException
  if (isFile && (cause instanceof CutOff || code === 'Z_BUF_ERROR')) {
    return new HarnessError(
      'dump.truncated',
      `${path} is cut off: ${place} ends inside its ${packing} data. Copy or take the dump again.`,
      { facts, cause },
    )
  }
  return new HarnessError(
    'dump.corrupt',
    `${path} is damaged: ${place} does not unpack (${packing}). Take the dump again.`,
    { facts, cause },
  )
}

function tooLarge({ path, place }: Place, packedBytes: number, bytes: number): HarnessError {
  const ratio = Math.floor(bytes / Math.max(1, packedBytes))
  return new HarnessError(
    'dump.too-large',
    `${path} is refused: ${packedBytes.toLocaleString('en')} bytes of ${place} unpack to more than ${ratio} times as many, as no dump does. If it is meant to be so, unpack it yourself and name the unpacked file.`,
    { facts: { path, place, packedBytes, bytes } },
  )
}
