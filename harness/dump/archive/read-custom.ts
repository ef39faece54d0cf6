import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { type DumpContent, displayEntry, type TocEntry } from '../dump.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import type { DataBlock } from './blocks.ts'
import { archiveContent } from './content.ts'
import { CustomData } from './data.ts'
import { readArchiveHead } from './head.ts'
import type { TocItem } from './toc.ts'
import { BlockWalk } from './walk.ts'

/** Reads a custom archive (`pg_dump -Fc`) through to its end. */
export async function readCustom(input: DumpInput, signal: AbortSignal | undefined): Promise<DumpContent> {
  const { path, name } = input
  const { size: bytes } = await stat(path)
  const head = readArchiveHead({ path, name, bytes }, 'one file')
  const { header, items, end: dataStart } = head
  const entries = items.map((item) => item.entry)
  const { integerSize, compression } = header
  const walk = new BlockWalk(name, integerSize, dataStart)
  const sha256 = await readThrough(path, bytes, dataStart, walk, signal)
  walk.end((id) => nameOf(entries, id))
  requireBlocks(name, items, walk.blocks)
  const data = new CustomData({
    path,
    name,
    integerSize,
    compression,
    blocks: walk.blocks,
  })
  return archiveContent(head, 'custom', data, { path: name, ...(input.given ?? { sha256, bytes }) })
}

/** One pass over the file: its hash, and every block of its data from `dataStart` on. */
async function readThrough(
  path: string,
  bytes: number,
  dataStart: number,
  walk: BlockWalk,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256')
  const memory = Buffer.allocUnsafeSlow(1 << 20)
  await using file = await open(path, 'r')
  for (let position = 0; position < bytes; ) {
    throwIfAborted(signal, `reading ${path}`)
    const { bytesRead } = await file.read(memory, 0, Math.min(memory.length, bytes - position), position)
    if (bytesRead === 0) break
    const piece = memory.subarray(0, bytesRead)
    hash.update(piece)
    if (position + piece.length > dataStart) walk.feed(piece.subarray(Math.max(0, dataStart - position)))
    position += piece.length
  }
  return hash.digest('hex')
}

function requireBlocks(path: string, items: readonly TocItem[], blocks: ReadonlyMap<number, DataBlock>): void {
  const missing = items.filter(({ entry, hasData }) => hasData && !blocks.has(entry.id))
  const [first] = missing
  if (!first) return
  throw new HarnessError(
    'dump.truncated',
    `${path} is cut off: the data of ${displayEntry(first.entry)} and of ${missing.length - 1} more is not in the file. Copy or take the dump again.`,
    { facts: { path, missing: missing.length } },
  )
}

function nameOf(entries: readonly TocEntry[], id: number): string {
  const entry = entries.find((candidate) => candidate.id === id)
  return entry ? displayEntry(entry) : `entry ${id}`
}
