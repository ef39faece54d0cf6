import { HarnessError } from '../../errors.ts'
import type { MaskConfig } from '../../model/config.ts'
import { nearest } from '../../model/nearest.ts'
import { type DumpContent, displayEntry } from '../dump.ts'
import { copyColumns } from './references.ts'

/**
 * Whether a dump can be masked as told, as far as it shows before it is restored. Throws `dump.not-supported` for rows
 * that are no COPY text in UTF-8, and `config.invalid` for tables and columns that it does not have.
 */
export function checkMaskable(
  dump: Pick<DumpContent, 'facts' | 'entries' | 'data' | 'encoding'>,
  config: MaskConfig,
): void {
  const { path } = dump.facts
  const inserts = dump.entries.filter(({ id }) => dump.data.form(id) === 'inserts')
  const [first] = inserts
  if (first !== undefined) {
    throw new HarnessError(
      'dump.not-supported',
      `${path} holds rows as INSERT statements (${displayEntry(first)} and ${inserts.length - 1} more), and these cannot be masked. Take it with COPY (pg_dump without --inserts; supabase db dump --use-copy), or leave "mask" out.`,
      { facts: { path, tables: inserts.length } },
    )
  }
  if (!/^(utf-?8|sql_ascii)$/i.test(dump.encoding)) {
    throw new HarnessError(
      'dump.not-supported',
      `${path} holds its rows in ${dump.encoding}, and these cannot be masked. Take it with pg_dump --encoding=UTF8.`,
      { facts: { path, encoding: dump.encoding } },
    )
  }
  const complaints = unknown(dump.entries, config.tables ?? {})
  if (complaints.length === 0) return
  throw new HarnessError(
    'config.invalid',
    `"mask" names what ${path} does not have:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
    { facts: { complaints } },
  )
}

function unknown(entries: DumpContent['entries'], tables: NonNullable<MaskConfig['tables']>): string[] {
  const name = ({ schema = '', name }: DumpContent['entries'][number]) => `${schema}.${name}`
  const known = new Set(entries.filter(({ type }) => type === 'TABLE' || type === 'TABLE DATA').map(name))
  const columnsOf = new Map(
    entries.filter(({ type }) => type === 'TABLE DATA').map((entry) => [name(entry), copyColumns(entry.copyStatement)]),
  )
  return Object.entries(tables).flatMap(([table, columns]) => {
    if (!known.has(table)) return [`mask.tables: there is no table ${table}${meant(table, [...known])}`]
    const own = columnsOf.get(table)
    // A partitioned table has no rows of its own here: its columns are looked at when it is there.
    if (own === undefined) return []
    return Object.keys(columns)
      .filter((column) => !own.includes(column))
      .map((column) => `mask.tables: ${table} has no column ${column} with values of its own${meant(column, own)}`)
  })
}

function meant(written: string, known: readonly string[]): string {
  const found = nearest(written, known)
  return found === undefined ? '' : `; did you mean ${found}?`
}
