import type { Database } from '../database/engine.ts'
import { qualified, quoteIdentifier } from '../database/identifiers.ts'
import { platformSchemas } from '../model/platform-schemas.ts'

/** What the data say about texts and addresses that mails held. Read from the clone that the mails came from. */
export type Known = {
  /** Values that hold one of the keys. */
  readonly values: readonly string[]
  /** Names and titles with a tag in them. */
  readonly tagged: readonly string[]
  /** Addresses of accounts, in lower case, among those asked for. */
  readonly users: ReadonlySet<string>
}

export type Asked = {
  readonly keys: readonly string[]
  readonly addresses: readonly string[]
  /** Columns with names and titles: those of the contracts. */
  readonly names: readonly { readonly table: string; readonly column: string }[]
  /** Whether any mail had an HTML part. */
  readonly html: boolean
}

/** Values read of one column, and of one value: enough to excuse, and bounded. */
const perColumn = 500
const longest = 4000

/** Asks only what there is a question for: without suspicions nothing is read. */
export async function takeKnown(database: Database, { keys, addresses, names, html }: Asked): Promise<Known> {
  if (keys.length === 0 && addresses.length === 0 && !html) return { values: [], tagged: [], users: new Set() }
  await using connection = await database.connect()
  const read = async (sql: string, parameters: readonly unknown[]) =>
    (await connection.query<{ value: string }>(sql, [...parameters])).rows.map(({ value }) => value)
  const values: string[] = []
  if (keys.length > 0) {
    const { rows } = await connection.query<{ schema: string; table: string; column: string; json: boolean }>(
      columnsSql,
      [platformSchemas],
    )
    for (const { schema, table, column, json } of rows) {
      const name = json ? `to_jsonb(${quoteIdentifier(column)})::text` : `${quoteIdentifier(column)}::text`
      const found = await read(
        `select distinct left(${name}, ${longest}) as value from ${qualified(schema, table)}
         where exists (select from unnest($1::text[]) k where strpos(${name}, k) > 0) limit ${perColumn}`,
        [keys],
      )
      values.push(...(json ? found.flatMap(textsIn) : found))
    }
  }
  const users = new Set(
    addresses.length === 0
      ? []
      : await read(`select lower(email) as value from auth.users where lower(email) = any ($1)`, [addresses]),
  )
  const tagged: string[] = []
  for (const { table, column } of html ? names : []) {
    const [schema = '', name = ''] = table.split('.')
    const text = `${quoteIdentifier(column)}::text`
    tagged.push(
      ...(await read(
        `select distinct left(${text}, ${longest}) as value from ${qualified(schema, name)}
         where ${text} ~* '<[a-z!/]' limit ${perColumn}`,
        [],
        // A contract may name what only one side has.
      ).catch(() => [])),
    )
  }
  return { values, tagged, users }
}

/** Columns that may hold what a person wrote: of the app's tables, and what people told Auth of themselves. */
const columnsSql = `
  select n.nspname as schema, c.relname as table, a.attname as column, t.typname not in ('text', 'varchar', 'bpchar', 'citext') as json
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  where a.attnum > 0 and not a.attisdropped
    and (t.typname in ('text', 'varchar', 'bpchar', 'citext', 'json', 'jsonb', '_text', '_varchar'))
    and ((n.nspname <> all ($1) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema')
      or (n.nspname = 'auth' and c.relname = 'users' and a.attname = 'raw_user_meta_data'))
  order by 1, 2, a.attnum`

/** Every text within a JSON value; of one cut short what stands between quotes. */
function textsIn(json: string): string[] {
  return [...json.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([whole, inner = '']) => {
    try {
      return String(JSON.parse(whole))
    } catch {
      return inner
    }
  })
}
