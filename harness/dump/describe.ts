import type { Dump, DumpData, TocEntry } from './dump.ts'
import { namedRoles } from './roles.ts'

/** Pure: what the entries of a dump tell of it, whatever its format. */
export function describeEntries(
  entries: readonly TocEntry[],
  data: Pick<DumpData, 'form' | 'bytes'>,
): Pick<Dump, 'extensions' | 'roles' | 'tables'> {
  const withRows = entries.filter(({ id, type }) => type === 'TABLE DATA' && data.form(id) !== undefined)
  return {
    extensions: entries
      .filter(({ type }) => type === 'EXTENSION')
      .map(({ name }) => name)
      .sort(),
    roles: namedRoles(entries),
    tables: withRows.map(({ id, schema = '', name }) => ({ schema, name, entryId: id, bytes: data.bytes(id) })),
  }
}
