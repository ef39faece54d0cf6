import type { SuiteDatabase } from './context.ts'
import { quoted } from './names.ts'

export type Row = Readonly<Record<string, unknown>>

/**
 * A row that the table takes: the values given, and for each column that must have one and has no default the value of
 * a row that is there. What a template row cannot give (the table is empty) is left out.
 */
export async function rowFor(db: Pick<SuiteDatabase, 'query'>, table: string, values: Row): Promise<Row> {
  const [found] = await db.query<{ needed: string[]; sample: Row | null }>(
    `select
       array(select attname::text from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attnotnull and not atthasdef
           and attidentity = '' and attgenerated = '' order by attnum) as needed,
       (select to_jsonb(t) from (select * from ${quoted(table)} limit 1) t) as sample`,
    [quoted(table)],
  )
  const { needed = [], sample = null } = found ?? {}
  const copied = needed.filter((column) => sample !== null && column in sample)
  return { ...Object.fromEntries(copied.map((column) => [column, sample?.[column]])), ...values }
}

/** `INSERT` of such a row, with the row as its one parameter (JSON). */
export function insertSql(table: string, row: Row): string {
  const columns = Object.keys(row).map(quoted).join(', ')
  return `insert into ${quoted(table)} (${columns}) overriding system value
    select ${columns} from jsonb_populate_record(null::${quoted(table)}, $1::jsonb)`
}

/** Makes such a row; answers the value of `key` in it, as text. */
export async function madeRow(db: SuiteDatabase, table: string, values: Row, key: string): Promise<string> {
  const row = await rowFor(db, table, values)
  const sql = `${insertSql(table, row)} returning ${quoted(key)}::text as key`
  const [made] = await db.query<{ key: string }>(sql, [JSON.stringify(row)])
  return made?.key ?? ''
}
