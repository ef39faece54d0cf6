import type { Connection, Database } from '../database/engine.ts'
import { qualified, quoteIdentifier } from '../database/identifiers.ts'
import { HarnessError, messageOf } from '../errors.ts'
import { platformSchemas } from '../model/platform-schemas.ts'
import type { Advance } from '../model/stack.ts'

type Column = { readonly name: string; readonly type: string }
type Table = {
  readonly schema: string
  readonly name: string
  readonly only: boolean
  readonly columns: readonly Column[]
  /** Every column that can be written. */
  readonly all: readonly string[]
  /** A unique index or an exclusion constraint holds one of the columns, and is looked at row by row. */
  readonly keyed: boolean
}

/** Schemas of the platform whose rows are about the app's users and files, and grow older with the app's. */
const agingWithTheApp = ['auth', 'storage']

/**
 * Lets time pass in a database: every date, timestamp, range and list of them in the app's schemas, in auth and in storage
 * moves into the past by as much as `interval` (Postgres' words: `3 days`, `1 month`) is from the moment that is
 * `elapsed` milliseconds after now, reckoned on the calendar in UTC. One moment decides for all rows, so distances
 * between them stay: a month from 31 January is 28 days for each. `infinity`, NULL and generated columns stay.
 * One transaction; triggers and rules are off, constraints hold. Clocks stay as they are.
 * Throws `usage.invalid` (no interval, or one that does not go forward), `database.failed` (a constraint forbids it).
 */
export async function advanceDatabase(database: Database, interval: string, elapsed = 0): Promise<Advance> {
  await using session = await database.connect({ applicationName: 'greenlight advance' })
  await session.query("begin; set local timezone = 'UTC'; set local session_replication_role = replica")
  const advance = await advanceOf(session, interval, new Date(Date.now() + elapsed))
  for (const table of await tablesWithTime(session)) {
    await move(session, table, advance).catch((cause: unknown) => {
      throw new HarnessError(
        'database.failed',
        `Time cannot go on by ${interval}: ${table.schema}.${table.name}: ${messageOf(cause)}. Its rows cannot be so much older.`,
        { cause },
      )
    })
  }
  await session.query('commit')
  return advance
}

/** Calendar arithmetic in UTC, by Postgres: `1 month` after 31 January is 28 or 29 February. */
export async function advanceOf(session: Connection, interval: string, from: Date): Promise<Advance> {
  const { rows } = await session
    .query<{ milliseconds: number; days: number }>(
      `select (extract(epoch from later - sooner) * 1000)::float8 as milliseconds, later::date - sooner::date as days
       from (select $2::timestamptz at time zone 'UTC' as sooner,
         ($2::timestamptz at time zone 'UTC') + $1::interval as later) moment`,
      [interval, from.toISOString()],
    )
    .catch((cause: unknown) => {
      throw new HarnessError('usage.invalid', `advance(${JSON.stringify(interval)}): ${messageOf(cause)}.`, { cause })
    })
  const [advance] = rows
  if (advance === undefined || !(advance.milliseconds > 0))
    throw new HarnessError('usage.invalid', `advance(${JSON.stringify(interval)}): time goes forward only.`)
  return advance
}

/** Those with rows. */
async function tablesWithTime(session: Connection): Promise<Table[]> {
  const closed = platformSchemas.filter((name) => !agingWithTheApp.includes(name))
  const { rows } = await session.query<Table>(
    `select n.nspname as schema, c.relname as name, c.relkind = 'r' as only,
       jsonb_agg(jsonb_build_object('name', a.attname, 'type', t.base) order by a.attnum)
         filter (where t.base is not null) as columns,
       array_agg(a.attname::text order by a.attnum) as all,
       exists (
         select from pg_index i where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)
           and (array_agg(a.attnum) filter (where t.base is not null) && string_to_array(i.indkey::text, ' ')::int2[]
             -- What expressions and conditions read; 0 is the whole row.
             or (i.indexprs is not null or i.indpred is not null) and exists (
               select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                 and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
                 and (d.refobjsubid = 0 or array_agg(a.attnum) filter (where t.base is not null) && array[d.refobjsubid::int2])))
       ) as keyed
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     left join lateral (
       select format_type(typed.oid, null) as base
       from (select coalesce(nullif(typbasetype, 0), oid) as oid from pg_type where oid = a.atttypid) typed
       where typed.oid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype,
         'daterange'::regtype, 'tsrange'::regtype, 'tstzrange'::regtype,
         'datemultirange'::regtype, 'tsmultirange'::regtype, 'tstzmultirange'::regtype,
         'date[]'::regtype, 'timestamp[]'::regtype, 'timestamptz[]'::regtype)
     ) t on true
     where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
       and (c.relkind = 'p' or pg_relation_size(c.oid) > 0)
       and n.nspname <> all ($1) and n.nspname !~ '^pg_'
       and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
     group by n.nspname, c.relname, c.oid, c.relkind
     having count(t.base) > 0
     order by n.nspname collate "C", c.relname collate "C"`,
    [closed],
  )
  return rows
}

async function move(session: Connection, table: Table, advance: Advance): Promise<void> {
  const moved = new Map(table.columns.map((column) => [column.name, earlier(column, advance)]))
  const target = `${table.only ? 'only ' : ''}${qualified(table.schema, table.name)}`
  if (!table.keyed) {
    const sets = [...moved].map(([name, value]) => `${quoteIdentifier(name)} = ${value}`)
    await session.query(`update ${target} set ${sets.join(', ')}`)
    return
  }
  // Keys are looked at row by row, so a row could meet one that is still to move. All go, and come back moved.
  const columns = table.all.map(quoteIdentifier).join(', ')
  const values = table.all.map((name) => moved.get(name) ?? quoteIdentifier(name)).join(', ')
  await session.query(`create temp table greenlight_moving on commit drop as select ${columns} from ${target}`)
  await session.query(`delete from ${target}`)
  await session.query(
    `insert into ${qualified(table.schema, table.name)} (${columns}) overriding system value select ${values} from greenlight_moving`,
  )
  await session.query('drop table greenlight_moving')
}

/** The column's value, that much earlier, as SQL. */
function earlier({ name, type }: Column, { milliseconds, days }: Advance): string {
  const column = quoteIdentifier(name)
  const span = type.startsWith('date') ? String(days) : `interval '${milliseconds / 1000} seconds'`
  // Of no elements there is no aggregate; and a list of lists would become one list, so it stays.
  if (type.endsWith('[]'))
    return `case when cardinality(${column}) = 0 or array_ndims(${column}) > 1 then ${column} else (select array_agg(v - ${span} order by n) from unnest(${column}) with ordinality e (v, n)) end`
  if (type.endsWith('multirange'))
    return `case when isempty(${column}) then ${column} else (select range_agg(${earlierRange('r', type.replace('multi', ''), span)}) from unnest(${column}) r) end`
  return type.endsWith('range') ? earlierRange(column, type, span) : `${column} - ${span}`
}

function earlierRange(range: string, type: string, span: string): string {
  const bounds = `case when lower_inc(${range}) then '[' else '(' end || case when upper_inc(${range}) then ']' else ')' end`
  return `case when isempty(${range}) then ${range} else ${type}(lower(${range}) - ${span}, upper(${range}) - ${span}, ${bounds}) end`
}
