import type { Section, TocEntry } from '../dump.ts'
import type { ArchiveCursor } from './cursor.ts'
import type { ArchiveHeader } from './header.ts'

/** An entry, and whether the archive must hold data for it; `file`: where, but in custom archives. */
export type TocItem = { readonly entry: TocEntry; readonly hasData: boolean; readonly file?: string }

const sections: Readonly<Record<number, Section>> = { 1: 'none', 2: 'pre-data', 3: 'data', 4: 'post-data' }
/** State of an entry's data offset: nothing was written for it. (1: offset not known, 2: known.) */
const noData = 3

/** Field by field as pg_dump writes it; what a version lacks is left out. */
export function readToc(cursor: ArchiveCursor, header: ArchiveHeader): TocItem[] {
  cursor.place = 'the table of contents'
  const count = cursor.integer()
  if (count < 0 || count > cursor.size) cursor.corrupt(`a table of contents with ${count} entries`)
  const items: TocItem[] = []
  const ids = new Set<number>()
  for (let index = 1; index <= count; index++) {
    cursor.place = `entry ${index} of ${count} of its table of contents`
    const item = readEntry(cursor, header)
    if (ids.has(item.entry.id)) cursor.corrupt(`an entry with the id of another one (${item.entry.id})`)
    ids.add(item.entry.id)
    items.push(item)
  }
  return items
}

function readEntry(cursor: ArchiveCursor, { layout, minor, offsetSize }: ArchiveHeader): TocItem {
  const id = cursor.integer()
  if (id <= 0) cursor.corrupt(`an entry with id ${id}`)
  const hasDumper = cursor.integer() !== 0
  cursor.text() // catalogue and oid of the object in the dumped database: of no use elsewhere
  cursor.text()
  const name = cursor.text() ?? ''
  const type = cursor.text() ?? ''
  const code = cursor.integer()
  const section = sections[code] ?? cursor.corrupt(`an unknown section (${code})`)
  const definition = cursor.text() ?? ''
  const dropStatement = cursor.text() ?? ''
  const copyStatement = cursor.text() ?? ''
  const schema = cursor.text()
  cursor.text() // tablespace: a throwaway copy has one only
  const tableAccessMethod = minor >= 14 ? cursor.text() : undefined
  const relationKind = minor >= 16 ? cursor.integer() : 0
  const owner = cursor.text() ?? ''
  cursor.text() // WITH OIDS, of servers up to 11
  const dependencies = readDependencies(cursor)
  return {
    ...readPlace(cursor, { layout, offsetSize }, hasDumper),
    entry: {
      id,
      type,
      section,
      name,
      owner,
      definition,
      dropStatement,
      copyStatement,
      dependencies,
      ...(schema ? { schema } : {}),
      ...(tableAccessMethod ? { tableAccessMethod } : {}),
      ...(relationKind > 0 ? { relationKind: String.fromCharCode(relationKind) } : {}),
    },
  }
}

function readPlace(
  cursor: ArchiveCursor,
  { layout, offsetSize }: Pick<ArchiveHeader, 'layout' | 'offsetSize'>,
  hasDumper: boolean,
): Omit<TocItem, 'entry'> {
  if (layout === 'several files') {
    const file = cursor.text()
    return file ? { hasData: hasDumper, file } : { hasData: false }
  }
  const state = cursor.byte()
  cursor.bytes(offsetSize) // the walk over the blocks finds them all, also where pg_dump could not seek back to note them
  return { hasData: hasDumper && state !== noData }
}

function readDependencies(cursor: ArchiveCursor): number[] {
  const dependencies: number[] = []
  for (let text = cursor.text(); text !== undefined; text = cursor.text()) {
    const id = Number(text)
    if (!Number.isSafeInteger(id)) cursor.corrupt('a dependency that is no number')
    dependencies.push(id)
  }
  return dependencies
}
