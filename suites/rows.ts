import type { SuiteDatabase } from './context.ts'
import { quoted } from './names.ts'

export type Row = Readonly<Record<string, unknown>>

/**
 * A row that the table takes: the values given, and for each column that must have one and has no default the value of
 * a row that is there, or in an empty table one that fits its type.
 */
export async function rowFor(db: Pick<SuiteDatabase, 'query'>, table: string, values: Row): Promise<Row> {
  const needed = await db.query<{ name: string; made: unknown }>(
    `select attname::text as name, case
         when typcategory = 'N' then to_jsonb(1)
         when typcategory = 'B' then to_jsonb(false)
         when typcategory = 'D' then to_jsonb(now())
         when typcategory = 'T' then to_jsonb('1 day'::text)
         when typcategory = 'A' then to_jsonb('{}'::text)
         when typcategory = 'E' then (select to_jsonb(enumlabel) from pg_enum where enumtypid = t.oid order by enumsortorder limit 1)
         when typname = 'uuid' then to_jsonb(gen_random_uuid())
         when typname in ('json', 'jsonb') then '{}'::jsonb
         else to_jsonb('greenlight'::text)
       end as made
     from pg_attribute join pg_type t on t.oid = atttypid
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attnotnull and not atthasdef
       and attidentity = '' and attgenerated = '' order by attnum`,
    [quoted(table)],
  )
  const [sample] = await db.query<{ row: Row }>(
    `select to_jsonb(t) as row from (select * from ${quoted(table)} limit 1) t`,
  )
  const filled = needed.map(({ name, made }) => [name, sample === undefined ? made : sample.row[name]])
  return { ...Object.fromEntries(filled), ...values }
}

/** `INSERT` of rows that all have these columns; its one parameter is a JSON array of them. */
export function insertSql(table: string, row: Row): string {
  const columns = Object.keys(row).map(quoted).join(', ')
  return `insert into ${quoted(table)} (${columns}) overriding system value
    select ${columns} from jsonb_populate_recordset(null::${quoted(table)}, $1::jsonb)`
}

/**
 * Makes such a row; answers the value of `key` in it, as text. A key that has no default and is not given becomes one
 * that no row has: a new uuid, the next number, or a text.
 */
export async function madeRow(
  db: Pick<SuiteDatabase, 'query'>,
  table: string,
  values: Row,
  key: string,
): Promise<string> {
  const [column] = await db.query<{ type: string; needed: boolean }>(
    `select format_type(atttypid, null) as type, not atthasdef and attidentity = '' as needed from pg_attribute
     where attrelid = $1::regclass and attname = $2`,
    [quoted(table), key],
  )
  const fresh = column?.needed && !(key in values) ? { [key]: await freshKey(db, table, key, column.type) } : {}
  const row = await rowFor(db, table, { ...values, ...fresh })
  const sql = `${insertSql(table, row)} returning ${quoted(key)}::text as key`
  const [made] = await db.query<{ key: string }>(sql, [JSON.stringify([row])])
  return made?.key ?? ''
}

async function freshKey(db: Pick<SuiteDatabase, 'query'>, table: string, key: string, type: string): Promise<string> {
  if (!/int|numeric/.test(type)) return crypto.randomUUID()
  const [next] = await db.query<{ key: string }>(
    `select (coalesce(max(${quoted(key)}), 0) + 1)::text as key from ${quoted(table)}`,
  )
  return next?.key ?? '1'
}
