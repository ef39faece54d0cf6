import { describeEntries } from '../describe.ts'
import type { DumpContent, DumpData, DumpSource, TocEntry } from '../dump.ts'
import type { ArchiveHead } from './head.ts'
import { type ArchiveFormat, versionNumber } from './header.ts'

/** Pure: what an archive is to the rest, whatever its format. */
export function archiveContent(
  { header, items, encoding }: ArchiveHead,
  format: ArchiveFormat,
  data: DumpData,
  source: DumpSource,
): DumpContent {
  const { minor, compression, serverVersion, database, createdAt } = header
  const entries = items.map((item) => item.entry)
  return {
    facts: {
      ...source,
      format,
      archiveVersion: `1.${minor}`,
      serverVersion,
      compression,
      database,
      ...(createdAt === undefined ? {} : { createdAt }),
    },
    sources: [source],
    serverVersionNum: versionNumber(serverVersion),
    encoding,
    entries,
    data,
    ...describeEntries(entries, data),
  }
}

/** Pure: ids of the entries whose rows are INSERT statements (`--inserts` and the like): those without a COPY statement. */
export function insertsOf(entries: readonly TocEntry[]): ReadonlySet<number> {
  return new Set(
    entries.filter(({ type, copyStatement }) => type === 'TABLE DATA' && copyStatement === '').map(({ id }) => id),
  )
}
