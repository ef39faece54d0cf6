import { HarnessError, throwIfAborted } from '../../errors.ts'
import { type DumpContent, type DumpSource, displayEntry } from '../dump.ts'
import { archiveContent } from './content.ts'
import { type ArchiveHead, readArchiveHead } from './head.ts'
import {
  type DataFile,
  findDataFile,
  largeObjectFiles,
  listOfLargeObjects,
  MemberData,
  readDataFile,
} from './member-data.ts'
import { type Members, readEnd } from './members.ts'

const tocName = 'toc.dat'
const dataNames = /^(?:\d+\.dat|blob_\d+\.dat|blobs(?:_\d+)?\.toc)(?:\.gz|\.lz4|\.zst)?$/

/**
 * Reads an archive of several files: its table of contents, that every file which that names is there and whole, and
 * that there is no data which it does not name. Throws `dump.unrecognised`, `dump.unsupported-version`,
 * `dump.not-supported`, `dump.truncated`, `dump.corrupt` and `aborted`.
 */
export async function readMembers(
  members: Members,
  format: 'directory' | 'tar',
  source: DumpSource,
  signal: AbortSignal | undefined,
): Promise<DumpContent> {
  const head = readHead(members)
  refuseStrangers(members, await requireFiles(members, head, signal))
  const items = new Map(head.items.map((item) => [item.entry.id, item]))
  return archiveContent(head, format, new MemberData(members, items), source)
}

function readHead({ name, files }: Members): ArchiveHead {
  const toc = files.get(tocName)
  const facts = { path: name, file: tocName }
  if (!toc) {
    throw new HarnessError('dump.unrecognised', `${name} is no dump of PostgreSQL: there is no ${tocName} in it.`, {
      facts,
    })
  }
  const place = { path: toc.path, name: `${name} (${tocName})`, start: toc.start, bytes: toc.size }
  const head = readArchiveHead(place, 'several files')
  if (head.end === toc.size) return head
  throw new HarnessError(
    'dump.corrupt',
    `${name} is damaged: ${toc.size - head.end} bytes follow the table of contents in ${tocName}. Copy or take the dump again.`,
    { facts },
  )
}

/** Names of all files with data. Unpacks what is packed, since that such a file is cut off shows in no other way. */
async function requireFiles(
  members: Members,
  { items }: ArchiveHead,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const used = new Set([tocName])
  for (const { entry, file, hasData } of items) {
    if (!hasData || file === undefined) continue
    if (entry.type === 'BLOBS') {
      const list = listOfLargeObjects(members, file)
      used.add(list)
      for await (const { found } of largeObjectFiles(members, list)) {
        used.add(found.name)
        await endOf(members, found, signal)
      }
      continue
    }
    const found = findDataFile(members, file, displayEntry(entry))
    used.add(found.name)
    const end = await endOf(members, found, signal)
    if (entry.copyStatement === '' || /(?:^|\n)\\\.\n*$/.test(end)) continue
    throw new HarnessError(
      'dump.truncated',
      `${members.name} is cut off: ${found.name} ends inside the rows of ${displayEntry(entry)}. Copy or take the dump again.`,
      { facts: { path: members.name, file: found.name } },
    )
  }
  return used
}

const endBytes = 16

/** The last bytes of a file, unpacked. */
async function endOf(members: Members, file: DataFile, signal: AbortSignal | undefined): Promise<string> {
  throwIfAborted(signal, `reading ${members.name}`)
  if (file.packing === 'none') return readEnd(file.member, endBytes).toString('latin1')
  let end = ''
  for await (const piece of readDataFile(members, file)) {
    throwIfAborted(signal, `reading ${members.name}`)
    end = (end + piece.toString('latin1', Math.max(0, piece.length - endBytes))).slice(-endBytes)
  }
  return end
}

/** Other files (a note, a manifest) are not the dump's, and not read; data that nobody loads would be lost silently. */
function refuseStrangers({ name, files }: Members, used: ReadonlySet<string>): void {
  const strangers = [...files.keys()].filter((file) => dataNames.test(file) && !used.has(file)).sort()
  const [first] = strangers
  if (first === undefined) return
  const more = strangers.length === 1 ? '' : ` and ${strangers.length - 1} more`
  throw new HarnessError(
    'dump.corrupt',
    `${name} is damaged: its table of contents does not know ${first}${more}. Two dumps may be mixed: take it into an empty folder.`,
    { facts: { path: name, files: strangers.slice(0, 20) } },
  )
}
