import type { Database } from '../../../database/engine.ts'
import { qualified, quoteIdentifier } from '../../../database/identifiers.ts'

/**
 * Which of these inboxes stand in any column of text of the database, Auth's and the app's, alone or within a longer
 * text or JSON. Letter case, `+labels`, unicode forms and invisible characters make no difference.
 */
export async function addressesInDump(database: Database, inboxes: readonly string[]): Promise<ReadonlySet<string>> {
  if (inboxes.length === 0) return new Set()
  await using connection = await database.connect()
  const { rows: columns } = await connection.query<{ schema: string; table: string; column: string }>(columnsSql)
  const found = new Set<string>()
  for (const { schema, table, column } of columns) {
    const left = inboxes.filter((inbox) => !found.has(inbox))
    if (left.length === 0) break
    const text = `regexp_replace(lower(normalize(${quoteIdentifier(column)}::text, NFKC)), '[\u00ad\u200b-\u200f\u2060\ufeff]', '', 'g')`
    const { rows } = await connection.query<{ inbox: string }>(
      `select inbox from unnest($1::text[], $2::text[]) as sought (inbox, pattern)
       where exists (select from ${qualified(schema, table)} where ${text} ~ pattern)`,
      [left, left.map(patternOf)],
    )
    for (const { inbox } of rows) found.add(inbox)
  }
  return found
}

/** The inbox with any label, between characters that cannot belong to an address. */
function patternOf(inbox: string): string {
  const at = inbox.lastIndexOf('@')
  const [local, domain] = [inbox.slice(0, at), inbox.slice(at + 1)].map((part) => part.replace(/[^a-z0-9]/g, '\\$&'))
  return `(^|[^a-z0-9._%+-])${local}(\\+[^@[:space:]]*)?@${domain}($|[^a-z0-9.-]|\\.($|[^a-z0-9]))`
}

/** Text, and what may hold text, of every table but Postgres' own. */
const columnsSql = `
  select n.nspname as schema, c.relname as table, a.attname as column
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  where a.attnum > 0 and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (t.typcategory = 'S' or t.typname in ('json', 'jsonb', '_json', '_jsonb', 'xml', 'hstore')
      or (t.typcategory = 'A' and exists (select from pg_type e where e.oid = t.typelem and e.typcategory = 'S')))
  order by 1, 2, a.attnum`
