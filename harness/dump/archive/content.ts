import { HarnessError } from '../../errors.ts'
import { describeEntries } from '../describe.ts'
import type { DumpContent, DumpData, DumpSource, TocEntry } from '../dump.ts'
import type { ArchiveHead } from './head.ts'
import { type ArchiveFormat, versionNumber } from './header.ts'
import { InsertedRows } from './inserted-rows.ts'
import { refuseForeignStatements } from './statements.ts'

/** What an archive is to the rest, whatever its format. Throws `dump.corrupt`, `dump.truncated` and `dump.not-supported`. */
export async function archiveContent(
  { header, items, encoding }: ArchiveHead,
  format: ArchiveFormat,
  packed: DumpData,
  source: DumpSource,
): Promise<DumpContent> {
  const { minor, compression, serverVersion, database, createdAt } = header
  refuseForeignStatements(
    items.map((item) => item.entry),
    source.path,
  )
  const { entries, data } = await withCopyStatements(
    items.map((item) => item.entry),
    packed,
    { path: source.path, encoding },
  )
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

/** Rows come without a COPY statement when they are INSERT statements. */
async function withCopyStatements(
  entries: readonly TocEntry[],
  data: DumpData,
  { path, encoding }: { readonly path: string; readonly encoding: string },
): Promise<{ readonly entries: readonly TocEntry[]; readonly data: DumpData }> {
  const isInserted = ({ id, type, copyStatement }: TocEntry) =>
    type === 'TABLE DATA' && copyStatement === '' && data.form(id) !== undefined
  if (!entries.some(isInserted)) return { entries, data }
  if (encoding !== 'UTF8' && encoding !== 'SQL_ASCII') {
    throw new HarnessError(
      'dump.not-supported',
      `${path} holds INSERT statements in ${encoding}. Take it with pg_dump --encoding=UTF8, or without --inserts.`,
      { facts: { path, encoding } },
    )
  }
  const standard = !/'off'/.test(entries.find(({ type }) => type === 'STDSTRINGS')?.definition ?? '')
  const rows = new InsertedRows(data, path, standard)
  const completed: TocEntry[] = []
  for (const entry of entries) {
    completed.push(isInserted(entry) ? { ...entry, copyStatement: await rows.copyStatementOf(entry) } : entry)
  }
  return { entries: completed, data: rows }
}
