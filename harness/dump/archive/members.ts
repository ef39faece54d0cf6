import { closeSync, constants, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { HarnessError } from '../../errors.ts'
import { pieceBytes } from './pieces.ts'

/** A file of an archive that has several: a file of a folder, or a part of a tar file. */
export type Member = {
  readonly path: string
  /** Of its first byte in that file. */
  readonly start: number
  readonly size: number
}

/** Files of a directory or tar archive by name, none of them a link or in another folder. */
export type Members = {
  /** Of the dump, for messages. */
  readonly name: string
  readonly files: ReadonlyMap<string, Member>
}

/**
 * The bytes of a file as it is there. Without `keep`, a piece holds until the next one is asked for. Throws
 * `dump.corrupt` when it is no longer what it was.
 */
export async function* readMember(
  { path, start, size }: Member,
  { keep }: { readonly keep: boolean } = { keep: true },
): AsyncGenerator<Buffer> {
  await using file = await openUnchanged(path)
  const memory = keep ? undefined : Buffer.allocUnsafeSlow(Math.min(pieceBytes, size))
  for (let position = 0; position < size; ) {
    const length = Math.min(pieceBytes, size - position)
    const piece = memory ?? Buffer.allocUnsafeSlow(length)
    const { bytesRead } = await file.read(piece, 0, length, start + position)
    if (bytesRead === 0) throw changed(path)
    position += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

/** At most the last `length` bytes of a file. */
export function readEnd({ path, start, size }: Member, length: number): Buffer {
  const end = Buffer.alloc(Math.min(length, size))
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if (readSync(file, end, 0, end.length, start + size - end.length) < end.length) throw changed(path)
    return end
  } finally {
    closeSync(file)
  }
}

async function openUnchanged(path: string) {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw changed(path, cause)
  })
}

function changed(path: string, cause?: unknown): HarnessError {
  return new HarnessError('dump.corrupt', `${path} is no longer what it was when it was first read. Run again.`, {
    facts: { path },
    cause,
  })
}
