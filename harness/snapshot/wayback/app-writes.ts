import { createHash } from 'node:crypto'
import type { Connection, Database } from '../../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import { type Column, readColumns } from '../access/made-up/columns.ts'
import { insertSql, waysToFill } from '../access/made-up/values.ts'
import { type LedgerTable, takeCatalog } from '../ledger/catalog.ts'
import type { Written, WrittenRow } from './written.ts'

/** New rows, and old rows that are edited, in each table. */
const rowsPerTable = 3

/**
 * Writes to the tables what an app would write after a deploy: new rows, and edits of old ones, column by column, with
 * constraints and triggers in force. What the database refuses is left out. Hands back what stands there then, as hashes.
 * Takes a clone. Throws `database.failed`, `aborted`.
 */
export async function writeAsApp(
  database: Database,
  tables: ReadonlySet<string>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Written[]> {
  await using session = await database.connect({ applicationName: 'greenlight app writes' })
  await session.query(`set statement_timeout = 5000; set jit = off; set search_path = public, extensions`)
  const catalog = await takeCatalog(session)
  const written: Written[] = []
  const people = await userIds(session)
  for (const table of catalog.tables.filter(({ object }) => tables.has(object))) {
    throwIfAborted(signal, `writing to ${table.object}`)
    const [key] = table.keys
    if (!key) continue
    const columns = await readColumns(session, { oid: table.oid })
    const rows = await readBack(session, table, key, [
      ...(await edit(session, table, key, columns)),
      ...(await insert(session, table, key, columns, people)),
    ])
    if (rows.length > 0) written.push({ object: table.object, oid: table.oid, key, rows })
  }
  return written
}

/** A row by its key, and the columns of it that the app gave a value. */
type Touched = { readonly key: readonly string[]; readonly columns: readonly string[]; readonly isNew: boolean }

async function insert(
  session: Connection,
  table: LedgerTable,
  key: readonly string[],
  columns: readonly Column[],
  people: readonly string[],
): Promise<readonly Touched[]> {
  const sees = await oneOfEach(session, columns)
  const made: Touched[] = []
  for (let place = 1; place <= rowsPerTable; place++) {
    const person = { userId: people[place % Math.max(people.length, 1)] ?? '', sees: sees(place) }
    const optional = columns.filter((column) => column.isOptional && !key.includes(column.name))
    const variant = new Map(optional.flatMap((column) => filled(column, place)))
    for (const more of [variant, new Map<string, string>()]) {
      const found = await firstThatGoes(session, table, key, waysToFill(columns, new Map(), person, place, more) ?? [])
      if (!found) continue
      made.push({ key: found.key, columns: [...new Set([...key, ...found.columns])], isNew: true })
      break
    }
  }
  return made
}

async function firstThatGoes(
  session: Connection,
  table: LedgerTable,
  key: readonly string[],
  ways: readonly ReadonlyMap<string, string>[],
): Promise<{ readonly key: readonly string[]; readonly columns: readonly string[] } | undefined> {
  for (const values of ways) {
    const returned = `ARRAY[${key.map((name) => `made.${quoteIdentifier(name)}::text`).join(', ')}]`
    const rows = await attempt<{ key: string[] }>(
      session,
      `${insertSql(qualified(table.schema, table.name), values)} returning ${returned} as key`,
    )
    if (rows?.[0]) return { key: rows[0].key, columns: [...values.keys()] }
  }
  return undefined
}

async function edit(
  session: Connection,
  table: LedgerTable,
  key: readonly string[],
  columns: readonly Column[],
): Promise<readonly Touched[]> {
  const from = qualified(table.schema, table.name)
  const texts = `ARRAY[${key.map((name) => `${quoteIdentifier(name)}::text`).join(', ')}]`
  const listed = await attempt<{ key: string[] }>(
    session,
    `select ${texts} as key from ${from} order by ${key.map(quoteIdentifier).join(', ')} limit ${rowsPerTable}`,
  )
  const edited = new Map<string, string[]>()
  for (const column of columns) {
    if (column.isGenerated || column.refers || column.isUser || key.includes(column.name)) continue
    if (table.columns.find(({ name }) => name === column.name)?.keptByTrigger) continue
    for (const row of listed ?? []) {
      const where = `${texts} = ${textArray(row.key)}`
      const name = quoteIdentifier(column.name)
      for (const value of editsOf(column)) {
        const changed = await attempt<{ key: string[] }>(
          session,
          `update ${from} set ${name} = ${value} where ${where} and ${name}::text is distinct from (${value})::text returning ${texts} as key`,
        )
        if (!changed?.[0]) continue
        const id = JSON.stringify(row.key)
        edited.set(id, [...(edited.get(id) ?? []), column.name])
        break
      }
    }
  }
  return [...edited].map(([id, names]) => ({
    key: (listed ?? []).find((row) => JSON.stringify(row.key) === id)?.key ?? [],
    columns: names,
    isNew: false,
  }))
}

/** Values that an edit may give a column, each as an SQL expression over the row. */
function editsOf({ name, type, category, labels, words }: Column): readonly string[] {
  const column = quoteIdentifier(name)
  const among = [...labels, ...words].map((word) => `${quoteLiteral(word)}::${type}`)
  if (among.length > 0) return among
  if (category === 'S' || category === 'U') {
    if (/^jsonb$/.test(type)) return [`coalesce(${column}, '{}') || '{"edited": true}'`]
    return type === 'uuid' || category === 'U'
      ? []
      : [`(coalesce(${column}::text, '') || ' edited')::${type}`, `'edited'::${type}`]
  }
  if (category === 'N') return [`(coalesce(${column}, 0) + 1)::${type}`]
  if (category === 'B') return [`not coalesce(${column}, false)`]
  if (category === 'D' && /^(date|timestamp)/.test(type))
    return [`(coalesce(${column}, now()::${type}) + interval '1 day')::${type}`]
  return []
}

function filled(column: Column, place: number): [string, string][] {
  if (column.isGenerated || column.refers || column.isUser) return []
  const [word] = [...column.labels, ...column.words]
  if (word !== undefined) return [[column.name, `${quoteLiteral(word)}::${column.type}`]]
  if (column.category === 'S') return [[column.name, `${quoteLiteral(`made up ${place}`)}::${column.type}`]]
  if (column.category === 'N') return [[column.name, `${place}::${column.type}`]]
  return []
}

/** Ids of some rows of each table that the columns refer to: another one for each place. */
async function oneOfEach(
  session: Connection,
  columns: readonly Column[],
): Promise<(place: number) => ReadonlyMap<string, string>> {
  const found = new Map<string, readonly string[]>()
  for (const { refers } of columns) {
    if (!refers) continue
    const key = quoteIdentifier(refers.column)
    const rows = await attempt<{ id: string }>(
      session,
      `select ${key}::text as id from ${qualified(refers.schema, refers.table)} where ${key} is not null order by ${key} limit 20`,
    )
    found.set(
      `${refers.schema}.${refers.table}.${refers.column}`,
      (rows ?? []).map(({ id }) => id),
    )
  }
  return (place) =>
    new Map(
      [...found].flatMap(([name, ids]): [string, string][] => {
        const id = ids[place % Math.max(ids.length, 1)]
        return id === undefined ? [] : [[name, id]]
      }),
    )
}

async function userIds(session: Connection): Promise<readonly string[]> {
  const rows = await attempt<{ id: string }>(session, 'select id::text as id from auth.users order by id desc limit 20')
  return (rows ?? []).map(({ id }) => id)
}

/** What stands in the rows at the end: triggers and later edits may have changed it. */
async function readBack(
  session: Connection,
  table: LedgerTable,
  key: readonly string[],
  touched: readonly Touched[],
): Promise<readonly WrittenRow[]> {
  const rows: WrittenRow[] = []
  const positions = new Map(table.columns.map(({ name, position }) => [name, position]))
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  for (const { key: values, columns, isNew } of touched) {
    const texts = `ARRAY[${key.map((name) => `${quoteIdentifier(name)}::text`).join(', ')}]`
    const list = columns.map((name) => `${quoteIdentifier(name)}::text`).join(', ')
    const found = await session.query<{ texts: (string | null)[] }>(
      `select ARRAY[${list}]::text[] as texts from ${qualified(table.schema, table.name)} where ${texts} = ${textArray(values)}`,
    )
    const [row] = found.rows
    if (!row) continue
    const cells = columns.map((name, index) => ({
      name,
      position: positions.get(name) ?? 0,
      type: types.get(name) ?? 'text',
      hash: hashOfText(row.texts[index] ?? null),
    }))
    rows.push({ key: values, isNew, cells })
  }
  return rows
}

export const hashOfText = (text: string | null) => (text === null ? '' : createHash('md5').update(text).digest('hex'))

export function textArray(values: readonly string[]): string {
  return `ARRAY[${values.map((value) => quoteLiteral(value)).join(', ')}]::text[]`
}

/** Undefined where the database refuses it: then nothing of it is left. */
async function attempt<Row extends Record<string, unknown>>(
  session: Connection,
  sql: string,
): Promise<Row[] | undefined> {
  try {
    return (await session.query<Row>(sql)).rows
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
    return undefined
  }
}
