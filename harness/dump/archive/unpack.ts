import { Readable } from 'node:stream'
import { createInflate, createZstdDecompress, inflateSync, zstdDecompressSync } from 'node:zlib'
import { HarnessError } from '../../errors.ts'
import { unpackLz4 } from './lz4.ts'

/** Size of what is read, unpacked and handed on at once: large enough that the cost per piece does not show. */
export const pieceBytes = 256 * 1024

/** How data is packed inside an archive: `gzip` is zlib's bare stream there. */
export type Packing = 'none' | 'gzip' | 'lz4' | 'zstd'

/** For messages. */
type Place = { readonly path: string; readonly place: string }

/** Throws `dump.corrupt`. */
export async function* unpackPieces(
  packed: AsyncGenerator<Buffer>,
  packing: Packing,
  place: Place,
): AsyncGenerator<Buffer> {
  try {
    switch (packing) {
      case 'none':
        yield* packed
        return
      case 'lz4':
        yield* unpackLz4(packed)
        return
      case 'gzip':
      case 'zstd': {
        const options = { chunkSize: pieceBytes, highWaterMark: pieceBytes }
        const unpacked = packing === 'gzip' ? createInflate(options) : createZstdDecompress(options)
        const source = Readable.from(packed, { objectMode: true, highWaterMark: 1 })
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
    throw corrupt(place, packing, cause)
  }
}

/** A few bytes can unpack to any number. */
const wholeBytes = 16 << 20

const wholeUnpackers: Readonly<Partial<Record<Packing, (packed: Buffer) => Buffer>>> = {
  none: (bytes) => bytes,
  gzip: (bytes) => inflateSync(bytes, { maxOutputLength: wholeBytes }),
  zstd: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: wholeBytes }),
}

/** At once; undefined for what only goes piece by piece, being large or of such a packing. Throws `dump.corrupt`. */
export function unpackWhole(packed: Buffer, packing: Packing, place: Place): Buffer | undefined {
  try {
    return wholeUnpackers[packing]?.(packed)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw corrupt(place, packing, cause)
  }
}

function corrupt({ path, place }: Place, packing: Packing, cause: unknown): HarnessError {
  if (cause instanceof HarnessError) return cause
  return new HarnessError(
    'dump.corrupt',
    `${path} is damaged: ${place} does not unpack (${packing}). Take the dump again.`,
    {
      facts: { path, place },
      cause,
    },
  )
}
