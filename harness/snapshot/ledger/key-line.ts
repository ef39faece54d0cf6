import { createHash } from 'node:crypto'
import type { LedgerTable } from './catalog.ts'
import type { Rows } from './outcome.ts'

const keysShown = 20

/**
 * The first keys as one line of evidence. Numbers, uuids and times are shown; any other key (an address, a code, a token)
 * only as the beginning of its MD5, with the SQL that finds it.
 */
export function keyLine(rows: Rows, table: LedgerTable, key: readonly string[] | undefined): readonly string[] {
  if (!key || rows.keys.length === 0) return []
  const plain = key.map((name) => {
    const column = table.columns.find((one) => one.name === name)
    return column?.builtIn === true && impersonal.has(column.base)
  })
  const shown = rows.keys.slice(0, keysShown).map((values) => {
    const parts = values.map((value, index) => (plain[index] ? value : fingerprint(value)))
    return parts.length === 1 ? parts[0] : `(${parts.join(', ')})`
  })
  const more = rows.count - shown.length
  const hidden = key.filter((_, index) => !plain[index])
  const line = `${key.join(', ')}: ${shown.join(', ')}${more > 0 ? ` … and ${more.toLocaleString('en-US')} more` : ''}`
  return hidden.length === 0 ? [line] : [line, `Hidden keys are found with left(md5(${hidden[0]}::text), 12).`]
}

function fingerprint(value: string): string {
  return `md5:${createHash('md5').update(value).digest('hex').slice(0, 12)}`
}

const impersonal: ReadonlySet<string> = new Set([
  'int2',
  'int4',
  'int8',
  'numeric',
  'uuid',
  'bool',
  'date',
  'timestamp',
  'timestamptz',
  'oid',
])
