import { HarnessError } from '../../errors.ts'
import type { MaskConfig } from '../../model/config.ts'
import { nearest } from '../../model/nearest.ts'
import type { DumpContent } from '../dump.ts'
import { copyColumns } from './references.ts'

/**
 * Whether a dump can be masked as told, as far as it shows before it is restored. Throws `dump.not-supported` for rows
 * in another encoding than UTF-8, and `config.invalid` for tables and columns that it does not have.
 */
export function checkMaskable(dump: Pick<DumpContent, 'facts' | 'entries' | 'encoding'>, config: MaskConfig): void {
  const { path } = dump.facts
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
    // A partitioned table has no rows of its own, and some rows come without a list: such columns are looked at once they are there.
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
