import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import type { DumpContent } from '../dump.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import type { Member } from './members.ts'
import { readMembers } from './read-members.ts'
import { tarMembers } from './tar.ts'

/**
 * Reads a tar archive (`pg_dump -Ft`, or a directory archive that was put into a tar file) through to its end. Its
 * `restore.sql` is never looked at. Throws what `tarMembers` and `readMembers` throw.
 */
export async function readTar(input: DumpInput, signal: AbortSignal | undefined): Promise<DumpContent> {
  const { name, path } = input
  const hash = createHash('sha256')
  let bytes = 0
  async function* hashed() {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      throwIfAborted(signal, `reading ${name}`)
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  const found = new Map<string, Member>()
  for await (const member of tarMembers(hashed(), name)) {
    const file = posix.normalize(member.name)
    if (found.has(file)) {
      throw new HarnessError(
        'dump.corrupt',
        `${name} is damaged: it has ${JSON.stringify(file)} twice. Take the dump again.`,
        {
          facts: { path: name, file },
        },
      )
    }
    found.set(file, { path, start: member.start, size: member.size })
  }
  const source = { path: name, ...(input.given ?? { sha256: hash.digest('hex'), bytes }) }
  return readMembers({ name, files: inFolderOfToc(found) }, 'tar', source, signal)
}

/** A folder that was put into a tar file is in it with its name. */
function inFolderOfToc(found: ReadonlyMap<string, Member>): Map<string, Member> {
  const toc = [...found.keys()].find((file) => posix.basename(file) === 'toc.dat')
  const folder = posix.dirname(toc ?? '.')
  return new Map(
    [...found]
      .filter(([file]) => posix.dirname(file) === folder)
      .map(([file, member]) => [posix.basename(file), member]),
  )
}
