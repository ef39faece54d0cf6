import { createHash } from 'node:crypto'
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs'
import { HarnessError, throwIfAborted } from '../errors.ts'
import { ArchiveCursor } from './archive/cursor.ts'
import { readHeader, versionNumber } from './archive/header.ts'
import { readToc, type TocItem } from './archive/toc.ts'
import { BlockWalk } from './archive/walk.ts'
import { requireCustomArchive } from './detect.ts'
import type { DataBlock, Dump, DumpedTable, TocEntry } from './dump.ts'
import { namedRoles } from './roles.ts'

/**
 * Reads a dump through to its end, without unpacking its data: what it holds, its hash, and that it is whole.
 * Needs no server. Throws `dump.not-found`, `dump.empty`, `dump.unrecognised`, `dump.not-supported`,
 * `dump.unsupported-version`, `dump.truncated`, `dump.corrupt` and `aborted`.
 */
export async function readDump(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Dump> {
  await requireCustomArchive(path)
  const { header, items, bytes, dataStart } = readHead(path)
  const entries = items.map((item) => item.entry)
  requireUtf8(path, entries)
  requireCopy(path, items)

  const walk = new BlockWalk(path, header.integerSize, dataStart)
  const sha256 = await readThrough(path, bytes, dataStart, walk, options.signal)
  walk.end((id) => nameOf(entries, id))
  requireBlocks(path, items, walk.blocks)

  const extensions = entries.filter((entry) => entry.type === 'EXTENSION').map((entry) => entry.name)
  return {
    facts: {
      path,
      format: 'custom',
      archiveVersion: `1.${header.minor}`,
      serverVersion: header.serverVersion,
      compression: header.compression,
      bytes,
      sha256,
      database: header.database,
      ...(header.createdAt === undefined ? {} : { createdAt: header.createdAt }),
    },
    serverVersionNum: versionNumber(header.serverVersion),
    integerSize: header.integerSize,
    entries,
    blocks: walk.blocks,
    extensions: extensions.sort(),
    roles: namedRoles(entries),
    tables: tablesOf(entries, walk.blocks),
  }
}

function readHead(path: string) {
  const file = openSync(path, 'r')
  try {
    const bytes = fstatSync(file).size
    const cursor = new ArchiveCursor(file, path, bytes)
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
    `${path} is cut off: the data of ${display(first.entry)} and of ${missing.length - 1} more is not in the file. Copy or take the dump again.`,
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
    `${path} holds rows as INSERT statements (${display(rows.entry)}). Take it without --inserts, --column-inserts and --rows-per-insert.`,
    { facts: { path } },
  )
}

function tablesOf(entries: readonly TocEntry[], blocks: ReadonlyMap<number, DataBlock>): DumpedTable[] {
  return entries.flatMap((entry) => {
    const block = blocks.get(entry.id)
    if (entry.type !== 'TABLE DATA' || !block) return []
    return [{ schema: entry.schema ?? '', name: entry.name, entryId: entry.id, bytes: block.end - block.start }]
  })
}

function nameOf(entries: readonly TocEntry[], id: number): string {
  const entry = entries.find((candidate) => candidate.id === id)
  return entry ? display(entry) : `entry ${id}`
}

function display(entry: TocEntry): string {
  return entry.schema ? `${entry.schema}.${entry.name}` : entry.name
}
