import { createHash } from 'node:crypto'
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { describeEntries } from '../describe.ts'
import { type DumpContent, displayEntry, type TocEntry } from '../dump.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import type { DataBlock } from './blocks.ts'
import { ArchiveCursor } from './cursor.ts'
import { CustomData } from './data.ts'
import { readHeader, versionNumber } from './header.ts'
import { readToc, type TocItem } from './toc.ts'
import { BlockWalk } from './walk.ts'

/** Reads a custom archive (`pg_dump -Fc`) through to its end. */
export async function readCustom(input: DumpInput, signal: AbortSignal | undefined): Promise<DumpContent> {
  const { path, name } = input
  const { header, items, bytes, dataStart } = readHead(path, name)
  const entries = items.map((item) => item.entry)
  requireUtf8(name, entries)
  requireCopy(name, items)

  const { minor, integerSize, compression, serverVersion, database, createdAt } = header
  const walk = new BlockWalk(name, integerSize, dataStart)
  const sha256 = await readThrough(path, bytes, dataStart, walk, signal)
  walk.end((id) => nameOf(entries, id))
  requireBlocks(name, items, walk.blocks)

  const given = input.given ?? { sha256, bytes }
  const data = new CustomData({ path, name, integerSize, compression, blocks: walk.blocks, inserts: new Set() })
  return {
    facts: {
      path: name,
      format: 'custom',
      archiveVersion: `1.${minor}`,
      serverVersion,
      compression,
      ...given,
      database,
      ...(createdAt === undefined ? {} : { createdAt }),
    },
    sources: [{ path: name, ...given }],
    serverVersionNum: versionNumber(serverVersion),
    entries,
    data,
    ...describeEntries(entries, data),
  }
}

function readHead(path: string, name: string) {
  const file = openSync(path, 'r')
  try {
    const bytes = fstatSync(file).size
    const cursor = new ArchiveCursor(file, name, bytes)
    const header = readHeader(cursor)
    const items = readToc(cursor, header)
    return { header, items, bytes, dataStart: cursor.position }
  } finally {
    closeSync(file)
  }
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
  let position = 0
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20, end: bytes - 1 })) {
    throwIfAborted(signal, `reading ${path}`)
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

function requireUtf8(path: string, entries: readonly TocEntry[]): void {
  const definition = entries.find((entry) => entry.type === 'ENCODING')?.definition ?? ''
  const encoding = /'([^']*)'/.exec(definition)?.[1] ?? 'UTF8'
  if (/^utf-?8$/i.test(encoding)) return
  throw new HarnessError(
    'dump.not-supported',
    `${path} is encoded in ${encoding}. Take it with pg_dump --encoding=UTF8.`,
    {
      facts: { path, encoding },
    },
  )
}

function requireCopy(path: string, items: readonly TocItem[]): void {
  const rows = items.find(({ entry, hasData }) => hasData && entry.type === 'TABLE DATA' && entry.copyStatement === '')
  if (!rows) return
  throw new HarnessError(
    'dump.not-supported',
    `${path} holds rows as INSERT statements (${displayEntry(rows.entry)}). Take it without --inserts, --column-inserts and --rows-per-insert.`,
    { facts: { path } },
  )
}

function nameOf(entries: readonly TocEntry[], id: number): string {
  const entry = entries.find((candidate) => candidate.id === id)
  return entry ? displayEntry(entry) : `entry ${id}`
}
