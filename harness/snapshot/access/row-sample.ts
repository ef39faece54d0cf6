import type { Connection } from '../../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { Identity } from '../identities.ts'
import { readTies, type Tie } from '../ties.ts'
import { relationSql } from './exposed.ts'
import type { Probe, Relation } from './facts.ts'

/** A part of a relation's rows, as the condition that finds them. */
export type Part = NonNullable<Probe['only']>

/** Rows that each user is asked about where all rows would cost too much: of their own, and of everybody's, others for each user. */
const ownRows = 12
const anyRows = 12
/** Ways in which rows of a table belong to a user; more are not followed. */
const mostPaths = 6

/**
 * For each relation and user (by index), the rows to ask about: some that name the user or hang on a row that does (the
 * tasks of an event that they are a member of), and some of everybody's. Chosen by a hash of the key, as superuser. Only
 * of tables with a key whose comparison Postgres may do before the policies: the others have no part.
 */
export async function rowParts(
  session: Connection,
  relations: readonly Relation[],
  identities: readonly Identity[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, Part>>> {
  const parts = new Map<string, ReadonlyMap<number, Part>>()
  const users = new Map(identities.flatMap(({ userId }, index) => (userId === undefined ? [] : [[userId, index]])))
  const tables = relations.filter(({ kind, key }) => kind === 'table' && key.unique)
  if (tables.length === 0 || users.size === 0) return parts
  const ties = (await readTies(session)).filter(({ holds }) => holds === 'id')
  const paths = await readPaths(session, tables, ties)
  for (const table of tables) {
    const mine = paths.get(table.oid)
    if (mine === undefined) continue
    const key = `array[${table.key.columns.map((column) => `t.${quoteIdentifier(column)}::text`).join(', ')}]`
    const ids = quoteLiteral(`{${[...users.keys()].join(',')}}`)
    const own = mine
      .slice(0, mostPaths)
      .map(
        (path) =>
          `select ${path.user}::text as uid, ${key} as key from ${relationSql(table)} t ${path.join} where ${path.user}::text = any (${ids}::text[])`,
      )
    const { rows } = await session.query<{ uid: string | null; keys: string[][] }>(`
      ${
        own.length === 0
          ? ''
          : `select uid, json_agg(key) as keys from (select uid, key, row_number() over (partition by uid order by hashtext(key::text), key) as n
        from (${own.join(' union ')}) as owned) as ranked where n <= ${ownRows} group by uid union all`
      }
      select null as uid, json_agg(key) as keys from (select ${key} as key from ${relationSql(table)} t order by hashtext(${key}::text), 1 limit ${anyRows * users.size}) as anybody`)
    const any = rows.find(({ uid }) => uid === null)?.keys ?? []
    const byUser = new Map(rows.map(({ uid, keys }) => [uid, keys]))
    parts.set(
      table.name,
      new Map(
        [...users].map(([id, index], at) => {
          const others = Array.from(
            { length: Math.min(anyRows, any.length) },
            (_, n) => any[(at * anyRows + n) % any.length] ?? [],
          )
          const keys = [...new Map([...(byUser.get(id) ?? []), ...others].map((key) => [key.join('\n'), key])).values()]
          return [index, { where: condition(table, keys), rows: keys.length }]
        }),
      ),
    )
  }
  return parts
}

function condition({ key }: Relation, keys: readonly (readonly string[])[]): string {
  if (keys.length === 0) return 'false'
  const row = (values: readonly string[]) => (values.length === 1 ? values.join() : `(${values.join(', ')})`)
  const columns = row(key.columns.map((column) => quoteIdentifier(column)))
  return `${columns} in (${keys.map((values) => row(values.map((value) => quoteLiteral(value)))).join(', ')})`
}

type Path = { readonly user: string; readonly join: string }

/** By table, the ways from its rows to users. Tables whose key cannot be compared before the policies have none at all. */
async function readPaths(
  session: Connection,
  tables: readonly Relation[],
  ties: readonly Tie[],
): Promise<Map<number, Path[]>> {
  const { rows } = await session.query<{ oid: number; column: string; schema: string; table: string; other: string }>(
    `with fk as (select conrelid, conkey[1] as attnum, confrelid, confkey[1] as target from pg_constraint where contype = 'f' and cardinality(conkey) = 1),
     col as (select a.attrelid, a.attnum, a.attname::text as name, a.atttypid, f.confrelid, f.target from pg_attribute a
       left join fk f on f.conrelid = a.attrelid and f.attnum = a.attnum where a.attnum > 0 and not a.attisdropped)
     select distinct t.attrelid::int as oid, t.name as column, n.nspname as schema, c.relname as table, m.name as other
     from col t join col m on m.attrelid <> t.attrelid and m.atttypid = t.atttypid and (
         (t.confrelid = m.confrelid and t.target = m.target)
         or (t.confrelid = m.attrelid and t.target = m.attnum) or (m.confrelid = t.attrelid and m.target = t.attnum)
         or (t.name = m.name and t.name like '%\\_id' and coalesce(t.confrelid, m.confrelid) is not null))
     join pg_class c on c.oid = m.attrelid join pg_namespace n on n.oid = c.relnamespace
     where t.attrelid = any ($1) and n.nspname || '.' || c.relname = any ($2) order by 1, 2, 3, 4, 5`,
    [tables.map(({ oid }) => oid), [...new Set(ties.map(({ schema, table }) => `${schema}.${table}`))]],
  )
  const { rows: comparable } = await session.query<{ oid: number; types: string[] }>(
    `select attrelid::int as oid, array_agg(attname || ' ' || atttypid::regtype) as types from pg_attribute
     where attrelid = any ($1) and attnum > 0 and not attisdropped
       and atttypid::regtype::text in ('uuid', 'smallint', 'integer', 'bigint', 'text', 'character varying') group by 1`,
    [tables.map(({ oid }) => oid)],
  )
  const isUser = new Set(ties.map(({ schema, table, column }) => `${schema}.${table}.${column}`))
  const fits = new Map(comparable.map(({ oid, types }) => [oid, types.map((type) => type.slice(0, type.indexOf(' ')))]))
  return new Map(
    tables
      .filter(({ oid, key }) => key.columns.every((column) => fits.get(oid)?.includes(column)))
      .map((table) => {
        const direct = ties.filter((tie) => tie.schema === table.schema && tie.table === table.table)
        const through = rows
          .filter(({ oid, column }) => oid === table.oid && !isUser.has(`${table.schema}.${table.table}.${column}`))
          .flatMap((path) =>
            ties
              .filter((tie) => tie.schema === path.schema && tie.table === path.table && tie.column !== path.other)
              .map((tie) => ({
                user: `m.${quoteIdentifier(tie.column)}`,
                join: `join ${qualified(path.schema, path.table)} m on m.${quoteIdentifier(path.other)} = t.${quoteIdentifier(path.column)}`,
              })),
          )
        return [
          table.oid,
          [...direct.map(({ column }) => ({ user: `t.${quoteIdentifier(column)}`, join: '' })), ...through],
        ]
      }),
  )
}
