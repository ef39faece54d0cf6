import type { Connection } from '../../../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import type { Identity } from '../../identities.ts'
import { relationSql } from '../exposed.ts'
import type { Policy, Relation } from '../facts.ts'
import { impersonate } from '../impersonate.ts'
import { keyHash } from '../probe-sql.ts'
import { askedOf, type Column, readColumns } from './columns.ts'
import { insertSql, type Person, type Values, variantsOf, waysToFill } from './values.ts'

export type MadeRow = {
  /** Index into the identities: whom it belongs to. */
  readonly owner: number
  /** Of its key. */
  readonly hash: string
  /** It names the owner, or a row that the owner sees. */
  readonly isTied: boolean
  /** Identities that see a row which it names. */
  readonly near: readonly number[]
}

type Side = { readonly session: Connection; readonly relation: Relation }

/**
 * Makes rows for each user in a table, the same on both sides where it is on both; `was` is undefined where it is not.
 * The sessions run with `session_replication_role = replica`, in a transaction. None where no way is found.
 */
export async function makeRows(
  was: Side | undefined,
  is: Side,
  policies: readonly Policy[],
  people: readonly (readonly [number, Identity])[],
): Promise<MadeRow[]> {
  const columns = await readColumns(is.session, is.relation)
  const before = was && (await readColumns(was.session, was.relation))
  const asked = new Map(columns.map(({ name }) => [name, askedOf(name, policies)]))
  const persons = people.map(([index, identity]) => ({ index, userId: identity.userId ?? '', identity }))
  const made: MadeRow[] = []
  const seen = new Map<number, ReadonlyMap<string, readonly string[]>>()
  for (const { index, identity } of persons) seen.set(index, await seenBy(is.session, was?.session, columns, identity))
  for (const { index, userId } of persons) {
    const mine = seen.get(index) ?? new Map()
    const any = (key: string) => [...seen.values()].map((all) => all.get(key)?.[0]).find((value) => value !== undefined)
    const keys = [
      ...new Set(
        columns.flatMap(({ refers }) => (refers ? [`${refers.schema}.${refers.table}.${refers.column}`] : [])),
      ),
    ]
    const sees = new Map(
      keys.flatMap((key): [string, string][] => {
        const value = mine.get(key)?.[0] ?? any(key)
        return value === undefined ? [] : [[key, value]]
      }),
    )
    for (const variant of variantsOf(columns, asked)) {
      const hash = await makeRow(was, is, { columns, before }, asked, { userId, sees }, made.length + 1, variant)
      if (hash === undefined) continue
      const near = persons.flatMap((other) =>
        [...sees].some(([key, value]) => seen.get(other.index)?.get(key)?.includes(value)) ? [other.index] : [],
      )
      const isTied = columns.some(
        (column) => column.isUser || column.refers !== null || asked.get(column.name)?.isCaller,
      )
      made.push({ owner: index, hash, isTied, near })
    }
  }
  return made
}

async function makeRow(
  was: Side | undefined,
  is: Side,
  { columns, before }: { readonly columns: readonly Column[]; readonly before: readonly Column[] | undefined },
  asked: Parameters<typeof waysToFill>[1],
  person: Person,
  place: number,
  variant: Values,
): Promise<string | undefined> {
  for (const values of waysToFill(columns, asked, person, place, variant) ?? []) {
    const sql = `${insertSql(relationSql(is.relation), values)} returning to_jsonb(made)::text as row, (${keyHash(is.relation.key.columns)})::text as hash`
    const [row] = (await attempt<{ row: string; hash: string }>(is.session, sql)) ?? []
    if (row === undefined) continue
    if (was === undefined || before === undefined) return row.hash
    const written = new Set(columns.map(({ name }) => name))
    const own =
      waysToFill(
        before.filter(({ name }) => !written.has(name)),
        asked,
        person,
        place,
        new Map(),
      ) ?? []
    for (const more of own) {
      const names = before
        .filter(({ name, isGenerated }) => written.has(name) && !isGenerated)
        .map(({ name }) => quoteIdentifier(name))
      const table = relationSql(was.relation)
      const into = [...names, ...[...more.keys()].map((name) => quoteIdentifier(name))].join(', ')
      const from = [...names.map((name) => `r.${name}`), ...more.values()].join(', ')
      const copy = `insert into ${table} (${into}) overriding system value select ${from} from jsonb_populate_record(null::${table}, ${quoteLiteral(row.row)}::jsonb) as r returning 1`
      if ((await attempt(was.session, copy)) !== undefined) return row.hash
    }
    await is.session.query('rollback to savepoint made')
  }
  return undefined
}

/** Undefined where it fails: then nothing of it is left. */
async function attempt<Row extends Record<string, unknown>>(
  session: Connection,
  sql: string,
): Promise<Row[] | undefined> {
  await session.query('savepoint made')
  try {
    const { rows } = await session.query<Row>(sql)
    return rows
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
    await session.query('rollback to savepoint made')
    return undefined
  }
}

/** Keys that the identity sees, of each table that the columns refer to, which are on both sides. */
async function seenBy(
  session: Connection,
  other: Connection | undefined,
  columns: readonly Column[],
  identity: Identity,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const seen = new Map<string, readonly string[]>()
  for (const { refers, isUser } of columns) {
    if (refers === null || isUser) continue
    const key = quoteIdentifier(refers.column)
    const table = qualified(refers.schema, refers.table)
    const sql = `select ${key}::text as id from ${table} where ${key} is not null order by ${key} limit 50`
    await session.query('savepoint look')
    await attempt(session, impersonate(identity))
    const rows = await attempt<{ id: string }>(session, sql)
    await session.query('rollback to savepoint look')
    const ids = (rows ?? []).map(({ id }) => id)
    const found =
      other &&
      (await attempt<{ id: string }>(
        other,
        `select ${key}::text as id from ${table} where ${key}::text = any (array[${ids.map((id) => quoteLiteral(id)).join(', ')}]::text[])`,
      ))
    const there = new Set((found ?? []).map(({ id }) => id))
    seen.set(`${refers.schema}.${refers.table}.${refers.column}`, other ? ids.filter((id) => there.has(id)) : ids)
  }
  return seen
}
