import { qualified, quoteIdentifier } from '../../database/identifiers.ts'
import { isWord } from '../sql-words.ts'
import { type ObjectName, Words } from './words.ts'

/** The COPY statement that loads rows, and the table that it names. */
export type RowsTarget = { readonly table: ObjectName; readonly statement: string }

/** Pure: of `COPY table (columns) FROM stdin;`. Undefined for any other form (another format, a condition). */
export function copyTarget(sql: string): RowsTarget | undefined {
  const words = new Words(sql)
  words.take('copy')
  const table = words.name()
  words.parentheses()
  if (!words.take('from stdin ;') || words.rest.length > 0) return undefined
  return { table, statement: `${sql.slice(sql.search(/copy\b/i)).replace(/\bfrom\s+stdin\s*;$/i, 'FROM stdin;')}\n` }
}

/** Pure: the same for rows of `INSERT INTO table (columns) …`; columns that are DEFAULT in each row are left to the database. */
export function insertTarget(sql: string, defaults: readonly number[]): RowsTarget {
  const words = new Words(sql)
  words.take('insert into')
  const table = words.name()
  const names = words.rest[0] !== undefined && isWord(words.rest[0], '(') ? words.rest.slice(1) : []
  const close = names.findIndex((word) => isWord(word, ')'))
  const columns = names.slice(0, Math.max(0, close)).filter((word) => !isWord(word, ','))
  const filled = columns.filter((_, i) => !defaults.includes(i)).map(({ text }) => quoteIdentifier(text))
  const list = columns.length === 0 ? '' : ` (${filled.join(', ')})`
  const name = table.schema === undefined ? quoteIdentifier(table.name) : qualified(table.schema, table.name)
  return { table, statement: `COPY ${name}${list} FROM stdin;\n` }
}
