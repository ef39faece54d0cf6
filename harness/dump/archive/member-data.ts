import { HarnessError } from '../../errors.ts'
import { type DataForm, type DumpData, displayEntry, type LargeObjectPiece } from '../dump.ts'
import { type Member, type Members, readMember } from './members.ts'
import type { TocItem } from './toc.ts'
import { keepsPieces, type Packing, unpackPieces } from './unpack.ts'

/** A file with data, however it is packed. */
export type DataFile = { readonly name: string; readonly member: Member; readonly packing: Packing }

/** As pg_restore looks for them, in its order. */
const endings: readonly [string, Packing][] = [
  ['', 'none'],
  ['.gz', 'gzip'],
  ['.lz4', 'lz4'],
  ['.zst', 'zstd'],
]

/** The data of a directory or tar archive: a file for each table, and one for each large object. */
export class MemberData implements DumpData {
  readonly #members: Members
  readonly #items: ReadonlyMap<number, TocItem>

  constructor(members: Members, items: ReadonlyMap<number, TocItem>) {
    this.#members = members
    this.#items = items
  }

  form(entryId: number): DataForm | undefined {
    const item = this.#items.get(entryId)
    if (!item?.hasData) return undefined
    return item.entry.type === 'BLOBS' ? 'large-objects' : 'copy'
  }

  bytes(entryId: number): number {
    const form = this.form(entryId)
    return form === undefined || form === 'large-objects' ? 0 : this.#file(entryId).member.size
  }

  async *rows(entryId: number): AsyncGenerator<Buffer> {
    yield* readDataFile(this.#members, this.#file(entryId))
  }

  async *largeObjects(entryId: number): AsyncGenerator<LargeObjectPiece> {
    const list = listOfLargeObjects(this.#members, this.#item(entryId).file ?? '')
    for await (const { oid, found } of largeObjectFiles(this.#members, list)) {
      let offset = 0
      for await (const bytes of readDataFile(this.#members, found)) {
        yield { oid, offset, bytes }
        offset += bytes.length
      }
    }
  }

  #file(entryId: number): DataFile {
    const { file = '', entry } = this.#item(entryId)
    return findDataFile(this.#members, file, displayEntry(entry))
  }

  #item(entryId: number): TocItem {
    const item = this.#items.get(entryId)
    if (!item) throw new Error(`Entry ${entryId} has no data`)
    return item
  }
}

/** Unpacked. Throws `dump.truncated` and `dump.corrupt`. */
export function readDataFile({ name }: Members, { name: place, member, packing }: DataFile): AsyncGenerator<Buffer> {
  return unpackPieces(readMember(member, { keep: keepsPieces(packing) }), packing, { path: name, place, isFile: true })
}

/** `of`: whose data it is, for messages. Throws `dump.truncated` for a file that is missing, `dump.corrupt` for one that is there twice. */
export function findDataFile({ name, files }: Members, file: string, of: string): DataFile {
  if (!/^(?:blob_)?\d+\.dat$/.test(file)) throw strangeName(name, file)
  const found = endings.flatMap(([ending, packing]) => {
    const member = files.get(file + ending)
    return member ? [{ name: file + ending, member, packing }] : []
  })
  const [first, second] = found
  if (first && !second) return first
  if (first && second) {
    throw new HarnessError(
      'dump.corrupt',
      `${name} is damaged: the data of ${of} is in it twice, as ${first.name} and ${second.name}. Take the dump into an empty folder.`,
      { facts: { path: name, file } },
    )
  }
  throw new HarnessError(
    'dump.truncated',
    `${name} is not whole: ${file}, the data of ${of}, is missing. Copy or take the dump again.`,
    { facts: { path: name, file } },
  )
}

/** The list of the large objects of an entry: a tar archive's table of contents does not know that it is one. */
export function listOfLargeObjects({ name, files }: Members, file: string): string {
  const [, id] = /^(\d+)\.dat$/.exec(file) ?? []
  const candidates = id === undefined ? [file] : [`blobs_${id}.toc`, 'blobs.toc']
  if (id === undefined && !/^blobs(?:_\d+)?\.toc$/.test(file)) throw strangeName(name, file)
  const list = candidates.find((candidate) => files.has(candidate))
  if (list !== undefined) return list
  throw new HarnessError(
    'dump.truncated',
    `${name} is not whole: ${candidates[0]}, the list of its large objects, is missing. Copy or take the dump again.`,
    { facts: { path: name, file } },
  )
}

/** The files of the large objects that a list names. */
export async function* largeObjectFiles(
  members: Members,
  list: string,
): AsyncGenerator<{ readonly oid: number; readonly found: DataFile }> {
  const { name, files } = members
  const member = files.get(list)
  if (!member) return
  for await (const line of linesOf(members, list, member)) {
    const [, oid, file] = /^(\d{1,10}) (\S+)$/.exec(line) ?? []
    if (oid === undefined || file === undefined || Number(oid) > 0xffff_ffff) {
      throw new HarnessError(
        'dump.corrupt',
        `${name} is damaged: ${list} has a line that names no large object. Copy or take the dump again.`,
        {
          facts: { path: name, file: list },
        },
      )
    }
    yield { oid: Number(oid), found: findDataFile(members, file, `large object ${oid}`) }
  }
}

/** Longest line that a list of large objects can have, and some. */
const lineBytes = 256

async function* linesOf({ name }: Members, list: string, member: Member): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of readMember(member)) {
    const lines = (rest + piece.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length <= lineBytes) yield* lines
  }
  if (rest === '') return
  throw new HarnessError(
    'dump.truncated',
    `${name} is cut off: ${list} ends inside a line. Copy or take the dump again.`,
    {
      facts: { path: name, file: list },
    },
  )
}

function strangeName(name: string, file: string): HarnessError {
  return new HarnessError(
    'dump.corrupt',
    `${name} is refused: its table of contents names the file ${JSON.stringify(file)}, which pg_dump never does. Take the dump again.`,
    { facts: { path: name } },
  )
}
