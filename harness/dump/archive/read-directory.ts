import { createHash } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import type { DumpContent } from '../dump.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import type { Member } from './members.ts'
import { readMember } from './members.ts'
import { readMembers } from './read-members.ts'

/**
 * Reads a directory archive (`pg_dump -Fd`) through to its end. Its hash is that of the lines that `sha256sum *` prints
 * in the folder. Throws what `readMembers` throws, and `dump.corrupt` for a folder with links in it.
 */
export async function readDirectory({ name, path }: DumpInput, signal: AbortSignal | undefined): Promise<DumpContent> {
  const files = await filesIn(path, name)
  const hash = createHash('sha256')
  let bytes = 0
  for (const [file, member] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    throwIfAborted(signal, `reading ${name}`)
    hash.update(`${await hashOf(member)}  ${file}\n`)
    bytes += member.size
  }
  return readMembers({ name, files }, 'directory', { path: name, sha256: hash.digest('hex'), bytes }, signal)
}

async function filesIn(path: string, name: string): Promise<Map<string, Member>> {
  const files = new Map<string, Member>()
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const inside = join(path, entry.name)
    if (entry.isSymbolicLink()) {
      throw new HarnessError(
        'dump.corrupt',
        `${name} is refused: ${JSON.stringify(entry.name)} in it is a link, and pg_dump writes none. Copy the folder with its files (cp -L).`,
        { facts: { path: name, file: entry.name } },
      )
    }
    if (entry.isFile()) files.set(entry.name, { path: inside, start: 0, size: (await lstat(inside)).size })
  }
  return files
}

async function hashOf(member: Member): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of readMember(member, { keep: false })) hash.update(piece)
  return hash.digest('hex')
}
