import type { Connection, Database } from '../../database/engine.ts'
import { quoteIdentifier } from '../../database/identifiers.ts'
import { HarnessError } from '../../errors.ts'
import { type Mailing, mailedSql, type Person, peopleSql } from '../../model/people-sql.ts'
import type { Side } from '../../model/suite-run.ts'

/** Who belongs to the resources whose recipients differ, with the number of those that were compared. */
export type RecipientFacts = {
  readonly resources: Readonly<Record<Side, number>>
  /** Resource and person, over all resources: mails that one change of each would send. */
  readonly recipients: Readonly<Record<Side, number>>
  /** Everybody of those resources that are on both sides and differ, in the order of key and id. */
  readonly people: Readonly<Record<Side, readonly Person[]>>
  /** Memberships on after, as `key\0id`, of which a row was there before, as another one. */
  readonly rewritten: ReadonlySet<string>
}

/** Keys whose people are read at once: each time the whole of the people is gone through. */
const keysPerQuery = 20_000

/**
 * Reads who would be mailed about each resource on both sides, all of them: each side makes a hash for each resource, and
 * only where these differ the people are read. Reads only. Throws `aborted`, and what Postgres says.
 */
export async function takeRecipients(
  before: Database,
  after: Database,
  mailing: Mailing,
  { signal, at = new Date() }: { readonly signal?: AbortSignal; readonly at?: Date } = {},
): Promise<RecipientFacts> {
  await using was = await openSide(before, mailing, at)
  await using is = await openSide(after, mailing, at)
  const [old, now] = await Promise.all([was.hashes(), is.hashes()])
  const differing = [...old].flatMap(([key, { hash }]) => {
    const other = now.get(key)
    return other !== undefined && other.hash !== hash ? [key] : []
  })
  const people: Record<Side, Person[]> = { before: [], after: [] }
  for (let at = 0; at < differing.length; at += keysPerQuery) {
    if (signal?.aborted) throw new HarnessError('aborted', 'Interrupted while recipients were compared.')
    const keys = differing.slice(at, at + keysPerQuery)
    const [left, right] = await Promise.all([was.people(keys), is.people(keys)])
    for (const person of left) people.before.push(person)
    for (const person of right) people.after.push(person)
  }
  const sum = (hashes: Hashes) => [...hashes.values()].reduce((total, { recipients }) => total + recipients, 0)
  return {
    resources: { before: old.size, after: now.size },
    recipients: { before: sum(old), after: sum(now) },
    people,
    rewritten: await rewrittenMemberships(was, is, mailing, people),
  }
}

type Hashes = ReadonlyMap<string, { readonly hash: string; readonly recipients: number }>

type OpenSide = AsyncDisposable & {
  readonly session: Connection
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>
  hashes(): Promise<Hashes>
  people(keys: readonly string[]): Promise<readonly Person[]>
}

async function openSide(database: Database, mailing: Mailing, at: Date): Promise<OpenSide> {
  const session = await database.connect({ readOnly: true })
  const columns = await columnsOf(session, mailing)
  const sql = peopleSql(mailing, (table, column) => columns.get(table)?.has(column) === true)
  const { table, key } = mailing.resource
  const all = `select ${quoteIdentifier(key)}::text as key from ${quoted(table)}`
  const resources = columns.get(table)?.has(key) ? all : 'select null::text as key where false'
  return {
    session,
    columns,
    async hashes() {
      const { rows } = await session.query<{ key: string; hash: string; recipients: number }>(
        `with people as materialized (${sql})
         select r.key, coalesce(m.hash, '') as hash, coalesce(m.recipients, 0) as recipients
         from (select distinct key from (${resources}) k where key is not null) r
         left join (
           select key, count(distinct id)::int as recipients,
             md5(string_agg(concat_ws(' ', id, address, memberships > 1, profiles), ',' order by id collate "C", address)) as hash
           from people where ${mailedSql} group by key
         ) m using (key)
         order by r.key collate "C"`,
        [at],
      )
      return new Map(rows.map(({ key, hash, recipients }) => [key, { hash, recipients }]))
    },
    async people(keys) {
      const { rows } = await session.query<Person>(
        `select * from (${sql}) people where key = any ($2) order by key collate "C", id collate "C", address`,
        [at, keys],
      )
      return rows
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/**
 * People who are new to a resource by a row that was there before and said something else: of a membership that has a
 * primary key, on both sides the same.
 */
async function rewrittenMemberships(
  was: OpenSide,
  is: OpenSide,
  { membership }: Mailing,
  { before, after }: RecipientFacts['people'],
): Promise<ReadonlySet<string>> {
  const { table } = membership
  const known = new Set(before.map(nameOf))
  const fresh = after.filter((person) => person.memberships > 0 && !known.has(nameOf(person)))
  const key = await primaryKey(is.session, table)
  if (fresh.length === 0 || key.length === 0 || !key.every((column) => was.columns.get(table)?.has(column)))
    return new Set()
  const row = `row(${key.map((column) => `m.${quoteIdentifier(column)}`).join(', ')})::text`
  const [resource, user] = [quoteIdentifier(membership.resource), quoteIdentifier(membership.user)]
  const { rows: found } = await is.session.query<{ key: string; id: string; row: string }>(
    `select m.${resource}::text as key, m.${user}::text as id, ${row} as row from ${quoted(table)} m
     join unnest($1::text[], $2::text[]) f (key, id) on f.key = m.${resource}::text and f.id = m.${user}::text`,
    [fresh.map(({ key }) => key), fresh.map(({ id }) => id)],
  )
  const { rows: old } = await was.session.query<{ row: string }>(
    `select ${row} as row from ${quoted(table)} m where ${row} = any ($1)`,
    [found.map(({ row }) => row)],
  )
  const there = new Set(old.map(({ row }) => row))
  return new Set(found.filter(({ row }) => there.has(row)).map(nameOf))
}

/** Names a person of a resource. */
export function nameOf({ key, id }: Pick<Person, 'key' | 'id'>): string {
  return `${key}\0${id}`
}

async function primaryKey(session: Connection, table: string): Promise<readonly string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select a.attname::text as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indisprimary and i.indrelid = to_regclass($1) order by a.attnum`,
    [quoted(table)],
  )
  return rows.map(({ name }) => name)
}

async function columnsOf(session: Connection, { resource, membership, profile }: Mailing) {
  const tables = [resource.table, membership.table, ...(profile === undefined ? [] : [profile.table])]
  const { rows } = await session.query<{ table: string; columns: string[] }>(
    `select t.name as table, array(
       select attname::text from pg_attribute where attrelid = to_regclass(t.quoted) and attnum > 0 and not attisdropped
     ) as columns from unnest($1::text[], $2::text[]) t (name, quoted)`,
    [tables, tables.map(quoted)],
  )
  return new Map(rows.map(({ table, columns }) => [table, new Set(columns)]))
}

function quoted(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.')
}
