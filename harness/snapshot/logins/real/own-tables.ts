import type { Connection, Database } from '../../../database/engine.ts'
import { qualified, quoteIdentifier } from '../../../database/identifiers.ts'
import type { Contracts } from '../../../model/config.ts'
import type { LoginUser, OwnTable } from './outcome.ts'

/** Tables that are looked through for a row of the user's own. */
const mostTables = 8

/**
 * Tables of the Data API in which a row can be a user's own: the profile of the contract first, then those of schema
 * public with a foreign key to auth.users. Without a view, since a read of it may cost anything.
 */
export async function ownTables(session: Connection, contracts: Contracts | undefined): Promise<OwnTable[]> {
  const { rows } = await session.query<OwnTable & { one: boolean }>(`
    select distinct n.nspname as schema, c.relname as table, a.attname as column,
      exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as one
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p') and not c.relispartition
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = to_regclass('auth.users') and cardinality(k.conkey) = 1`)
  const { profile } = contracts ?? {}
  const isProfile = ({ schema, table, column }: OwnTable) =>
    profile !== undefined && column === profile.user && `${schema}.${table}` === profile.table
  const found = rows
    .map(({ one, ...table }) => ({ table, rank: isProfile(table) ? 0 : one ? 1 : 2 }))
    .toSorted((a, b) => a.rank - b.rank || (keyOf(a.table) < keyOf(b.table) ? -1 : 1))
    .map(({ table }) => table)
  if (profile === undefined || found.some(isProfile)) return found.slice(0, mostTables)
  const { schema, table } = parseTable(profile.table)
  const { rows: there } = await session.query(
    `select from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
      where a.attrelid = to_regclass($1) and a.attname = $2 and not a.attisdropped`,
    [qualified(schema, table), profile.user],
  )
  const own = schema === 'public' && there.length > 0 ? [{ schema, table, column: profile.user }] : []
  return [...own, ...found].slice(0, mostTables)
}

/** Ids of the users of whom a side has the row that is to be read. A table that is not there any more has none. */
export async function usersWithOwnRow(database: Database, users: readonly LoginUser[]): Promise<ReadonlySet<string>> {
  await using session = await database.connect({ readOnly: true })
  const found = new Set<string>()
  const byTable = Map.groupBy(users, ({ own }) => (own === undefined ? '' : keyOf(own)))
  for (const group of byTable.values()) {
    const own = group[0]?.own
    if (own === undefined) continue
    const table = qualified(own.schema, own.table)
    const { rows: there } = await session.query(
      'select from pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped',
      [table, own.column],
    )
    if (there.length === 0) continue
    const column = quoteIdentifier(own.column)
    const { rows } = await session.query<{ id: string }>(
      `select distinct ${column}::text as id from ${table} where ${column}::text = any ($1)`,
      [group.map(({ id }) => id)],
    )
    for (const { id } of rows) found.add(id)
  }
  return found
}

/** `schema.table` of a contract; `sql` is it quoted. */
export function parseTable(name: string): { readonly schema: string; readonly table: string; readonly sql: string } {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? 'public' : name.slice(0, dot)
  const table = dot < 0 ? name : name.slice(dot + 1)
  return { schema, table, sql: qualified(schema, table) }
}

const keyOf = ({ schema, table, column }: OwnTable) => [schema, table, column].join('\0')
