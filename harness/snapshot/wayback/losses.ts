import type { Connection, Database } from '../../database/engine.ts'
import { qualified, quoteIdentifier } from '../../database/identifiers.ts'
import { hashOfText, textArray } from './app-writes.ts'
import type { Left, Written, WrittenCell, WrittenRow } from './written.ts'

/** Looks for what the app wrote, after a rollback script: by the table's oid and the columns' places, so that new names do not matter. */
export async function lookFor(database: Database, written: readonly Written[]): Promise<readonly Left[]> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight rollback' })
  // As the app's writes were read.
  await session.query('set search_path = public, extensions; set row_security = off')
  const left: Left[] = []
  for (const table of written) left.push(await leftOf(session, table))
  return left
}

async function leftOf(session: Connection, table: Written): Promise<Left> {
  const { rows } = await session.query<{ schema: string; name: string; columns: Record<string, string> }>(
    `select n.nspname as schema, c.relname as name, (select json_object_agg(a.attnum, a.attname) from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = coalesce(
       (select oid from pg_class where oid = $1), to_regclass($2))`,
    [table.oid, table.object],
  )
  const [found] = rows
  if (!found) return { object: table.object, state: 'gone' }
  const nameOf = (cell: Pick<WrittenCell, 'name' | 'position'>) => found.columns[cell.position]
  const columnsGone = new Map<string, number>()
  const columnsChanged = new Map<string, number>()
  const count = (into: Map<string, number>, column: string) => into.set(column, (into.get(column) ?? 0) + 1)
  let rowsGone = 0
  const texts = await textsOf(session, found, table, nameOf)
  for (const row of table.rows) {
    const now = texts?.get(JSON.stringify(row.key))
    if (!now) {
      rowsGone++
      continue
    }
    for (const cell of row.cells) {
      if (nameOf(cell) === undefined) {
        if (cell.hash !== '') count(columnsGone, cell.name)
      } else if (hashOfText(now.get(cell.name) ?? null) !== cell.hash) count(columnsChanged, cell.name)
    }
  }
  return { object: table.object, state: 'there', rowsGone, columnsGone, columnsChanged }
}

/** The name that a column of the key has now; its old one where its place is not known. */
function currentName(
  rows: readonly WrittenRow[],
  name: string,
  nameOf: (cell: WrittenCell) => string | undefined,
): string | undefined {
  const cell = rows.flatMap(({ cells }) => cells).find((one) => one.name === name)
  return cell === undefined ? name : nameOf(cell)
}

type Texts = ReadonlyMap<string, ReadonlyMap<string, string | null>>

/**
 * What stands in the cells of the rows that are there, by key and name of the column; undefined where the key is gone. A
 * column of another type is read as the type that the app wrote.
 */
async function textsOf(
  session: Connection,
  table: { readonly schema: string; readonly name: string },
  { key, rows: written }: Written,
  nameOf: (cell: WrittenCell) => string | undefined,
): Promise<Texts | undefined> {
  const keyNames = key.map((name) => currentName(written, name, nameOf))
  if (!keyNames.every((name) => name !== undefined)) return undefined
  const cells = [...new Map(written.flatMap((row) => row.cells).map((cell) => [cell.name, cell])).values()].filter(
    (cell) => nameOf(cell) !== undefined,
  )
  const keyText = `ARRAY[${keyNames.map((name) => `${quoteIdentifier(name)}::text`).join(', ')}]`
  const select = (typed: boolean) =>
    cells.map((cell) => `${quoteIdentifier(nameOf(cell) ?? '')}${typed ? `::text::${cell.type}` : ''}::text`).join(', ')
  const wanted = written.map((row) => `(${textArray(row.key)})`).join(', ')
  const read = (typed: boolean) =>
    session.query<{ key: string[]; texts: (string | null)[] }>(
      `select ${keyText} as key, ARRAY[${select(typed)}]::text[] as texts from ${qualified(table.schema, table.name)} where ${keyText} in (${wanted})`,
    )
  // The type may be gone with the script, or not take what stands there.
  const { rows } = await read(true).catch(() => read(false))
  return new Map(
    rows.map((row) => [
      JSON.stringify(row.key),
      new Map(cells.map((cell, index) => [cell.name, row.texts[index] ?? null])),
    ]),
  )
}
