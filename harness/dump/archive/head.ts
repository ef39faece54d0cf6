import { closeSync, openSync } from 'node:fs'
import { HarnessError } from '../../errors.ts'
import { decoderOf, encodingOf } from '../encoding.ts'
import { ArchiveCursor } from './cursor.ts'
import { type ArchiveHeader, type ArchiveLayout, readHeader } from './header.ts'
import { readToc, type TocItem } from './toc.ts'

/** Header and table of contents of an archive. */
export type ArchiveHead = {
  readonly header: ArchiveHeader
  readonly items: readonly TocItem[]
  /** Of its texts and rows, as Postgres calls it. */
  readonly encoding: string
  /** Of the first byte behind them. */
  readonly end: number
}

/** Where an archive's head stands; `name`: for messages. */
export type HeadPlace = {
  readonly path: string
  readonly name: string
  readonly start?: number
  readonly bytes: number
}

/** Throws `dump.unsupported-version`, `dump.not-supported`, `dump.truncated` and `dump.corrupt`. */
export function readArchiveHead({ path, name, start = 0, bytes }: HeadPlace, layout: ArchiveLayout): ArchiveHead {
  const file = openSync(path, 'r')
  try {
    const cursor = new ArchiveCursor(file, name, bytes, start)
    // Which encoding its texts are in stands among them.
    const { decode } = cursor
    let foreign = false
    cursor.decode = (text) => {
      const decoded = decode(text)
      if (decoded === undefined) foreign = true
      return decoded ?? text.toString('latin1')
    }
    const first = readOnce(cursor, layout)
    const { definition = '' } = first.items.find(({ entry }) => entry.type === 'ENCODING')?.entry ?? {}
    const encoding = encodingOf(definition)
    if (!foreign) return { ...first, encoding: supported(encoding, name).encoding }
    cursor.rewind()
    cursor.decode = supported(encoding, name).decode
    return { ...readOnce(cursor, layout), encoding }
  } finally {
    closeSync(file)
  }
}

function readOnce(cursor: ArchiveCursor, layout: ArchiveLayout): Omit<ArchiveHead, 'encoding'> {
  const header = readHeader(cursor, layout)
  const items = readToc(cursor, header)
  return { header, items, end: cursor.position }
}

function supported(encoding: string, path: string) {
  const decode = decoderOf(encoding)
  if (decode) return { encoding, decode }
  throw new HarnessError(
    'dump.not-supported',
    `${path} is encoded in ${encoding}, which cannot be read here. Take it with pg_dump --encoding=UTF8.`,
    { facts: { path, encoding } },
  )
}
