import { createHash } from 'node:crypto'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { ByteInput } from '../archive/byte-input.ts'
import { unpackPieces } from '../archive/unpack.ts'
import { headBytes, isWrapping, type Kind, kindOf } from './kinds.ts'
import type { PrivateFolder } from './private-folder.ts'

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
/** Left free, for everybody else on the machine. */
const reserveBytes = 64 << 20
/** How often the free space is looked at. */
const checkBytes = 16 << 20

/**
 * Writes a stream into a private file (0600), unpacked when it is packed, with the hash of what came in. `expected`:
 * bytes that it will have at least, where known. Throws `dump.too-large`, `dump.truncated`, `dump.corrupt`,
 * `engine.disk-full` and `aborted`; the file then goes with its folder.
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
  const path = join(await folder.path(expected), `dump-${spooled++}`)
  const room = new Room(path, name)
  await room.require(expected ?? 0)

  await using file = await open(path, 'wx', 0o600)
  using unpacked = new ByteInput(
    unpackPieces(input.rest(), packing, { path: name, place: 'the file', isFile: true }, wholeLimit),
  )
  const head = await unpacked.peek(headBytes)
  for await (const piece of unpacked.rest()) await room.write(file, piece)
  return { path, kind: kindOf(head), head, sha256: hash.digest('hex'), bytes }
}

let spooled = 0

/** Writes only while the disk has room. */
class Room {
  readonly #path: string
  readonly #name: string
  #unchecked = 0

  constructor(path: string, name: string) {
    this.#path = path
    this.#name = name
  }

  async require(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(join(this.#path, '..'))
    if (bavail * bsize < bytes + reserveBytes) throw this.#full()
  }

  async write(file: FileHandle, piece: Buffer): Promise<void> {
    this.#unchecked += piece.length
    if (this.#unchecked >= checkBytes) {
      await this.require(0)
      this.#unchecked = 0
    }
    try {
      await file.appendFile(piece)
    } catch (cause) {
      throw (cause as NodeJS.ErrnoException).code === 'ENOSPC' ? this.#full(cause) : cause
    }
  }

  #full(cause?: unknown): HarnessError {
    return new HarnessError(
      'engine.disk-full',
      `The disk is full: ${this.#name} does not fit unpacked into ${join(this.#path, '..', '..')}. Free some space, or point TMPDIR to a larger disk.`,
      { facts: { path: this.#name }, cause },
    )
  }
}
