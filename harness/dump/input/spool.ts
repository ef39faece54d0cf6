import { createHash } from 'node:crypto'
import { throwIfAborted } from '../../errors.ts'
import { ByteInput } from '../archive/byte-input.ts'
import { unpackPieces } from '../archive/unpack.ts'
import { headBytes, isWrapping, type Kind, kindOf } from './kinds.ts'
import type { PrivateFolder } from './private-folder.ts'
import { SpoolFile } from './spool-file.ts'

export type Spooled = {
  readonly path: string
  /** Of what was written, unpacked. */
  readonly kind: Kind
  /** Its first bytes, unpacked. */
  readonly head: Buffer
  /** Of what was read. */
  readonly sha256: string
  readonly bytes: number
}

/** Unlike a table's rows, a whole dump never packs this well. */
const wholeLimit = { ratio: 200, from: 64 << 20 }

/**
 * Writes a stream into a private file, unpacked when it is packed, with the hash of what came in. `expected`: how much
 * will come, where known. Throws `dump.too-large`, `dump.truncated`, `dump.corrupt`, `engine.disk-full` and `aborted`; the
 * file then goes with its folder.
 */
export async function spool(
  source: AsyncIterable<Buffer>,
  name: string,
  folder: PrivateFolder,
  { expected, signal }: { readonly expected?: number; readonly signal?: AbortSignal | undefined },
): Promise<Spooled> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* hashed() {
    for await (const piece of source) {
      throwIfAborted(signal, `reading ${name}`)
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  using input = new ByteInput(hashed())
  const outer = kindOf(await input.peek(headBytes))
  const packing = isWrapping(outer) ? outer : 'none'
  await using file = await SpoolFile.create(folder, { name, givenBytes: () => expected ?? bytes })
  using unpacked = new ByteInput(
    unpackPieces(input.rest(), packing, { path: name, place: 'the file', isFile: true }, wholeLimit),
  )
  const head = await unpacked.peek(headBytes)
  for await (const piece of unpacked.rest()) await file.write(piece)
  return { path: file.path, kind: kindOf(head), head, sha256: hash.digest('hex'), bytes }
}
