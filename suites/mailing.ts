import { type Mailing, mailedSql, type Person, peopleSql } from '../harness/model/people-sql.ts'
import type { SuiteDatabase } from './context.ts'
import { quoted } from './names.ts'
import { insertSql, madeRow, rowFor } from './rows.ts'

export type Member = { readonly id: string; readonly email: string; readonly role: string; readonly name: string }

/** A resource made for a test, with an owner and members whom mails must reach, and with people whom none may reach. */
export type Gathering = {
  readonly key: string
  readonly owner: Member
  /** Owner first, then one member of each further role in turn. */
  readonly members: readonly Member[]
  /** Addresses of people who get no mail, and why. */
  readonly silent: readonly { readonly why: string; readonly email: string }[]
}

type Session = Pick<SuiteDatabase, 'query'>

/** Who is mailed about each of these resources by the contracts, unless he caused it: id and address, in the order of ids. */
export async function mailedAbout(
  db: Session,
  mailing: Mailing,
  keys: readonly string[],
): Promise<ReadonlyMap<string, readonly { readonly id: string; readonly email: string }[]>> {
  const rows = await db.query<Person>(
    `select * from (${peopleSql(mailing, await columnsOf(db, mailing))}) p where key = any ($2) and ${mailedSql} order by id`,
    [new Date(), keys],
  )
  return new Map(
    keys.map((key) => [
      key,
      rows.flatMap((row) => (row.key === key && row.address !== null ? [{ id: row.id, email: row.address }] : [])),
    ]),
  )
}

/**
 * Makes a resource with `size` people, the owner among them; fewer where the database has fewer users whom mails reach.
 * With `silent`, besides: somebody who was removed, is banned, unconfirmed, and has switched mails off.
 */
export async function gather(
  db: Session,
  mailing: Mailing,
  { size, seed, silent = false }: { readonly size: number; readonly seed: number; readonly silent?: boolean },
): Promise<Gathering | undefined> {
  const { resource, membership, profile } = mailing
  const has = await columnsOf(db, mailing)
  const reasons = silent ? reasonsOf(mailing, has) : []
  const users = await reachableUsers(db, mailing, has, size + reasons.length, seed)
  const [first, ...others] = users.slice(reasons.length)
  if (first === undefined) return undefined
  const owned = { [resource.owner]: first.id }
  const key = await madeRow(db, resource.table, owned, resource.key)
  const lower = membership.roles.filter((role) => role !== membership.ownerRole)
  const members: Member[] = [
    { ...first, role: membership.ownerRole },
    ...others.map((user, at) => ({ ...user, role: lower[at % lower.length] ?? membership.ownerRole })),
  ]
  const out = users.slice(0, reasons.length).map((user) => ({ ...user, role: lower.at(-1) ?? membership.ownerRole }))
  // The app itself may have made the owner's membership.
  await db.query(`delete from ${quoted(membership.table)} where ${quoted(membership.resource)}::text = $1`, [key])
  const rows = [...members, ...out].map(({ id, role }) => ({
    [membership.resource]: key,
    [membership.user]: id,
    [membership.role]: role,
  }))
  const shape = await rowFor(db, membership.table, rows[0] ?? {})
  const whole = rows.map((row) => ({ ...shape, ...row }))
  await db.query(insertSql(membership.table, shape), [JSON.stringify(whole)])
  for (const [at, { sql }] of reasons.entries())
    await db.query(sql, [out[at]?.id, ...(sql.includes('$2') ? [key] : [])])
  const owner = members[0]
  if (owner === undefined) return undefined
  if (profile === undefined) return { key, owner, members, silent: [] }
  return { key, owner, members, silent: reasons.map(({ why }, at) => ({ why, email: out[at]?.email ?? '' })) }
}

/** Ends somebody's membership of the resource. */
export async function removeMember(
  db: Session,
  { membership: { table, user, resource } }: Pick<Mailing, 'membership'>,
  key: string,
  { id }: Pick<Member, 'id'>,
): Promise<void> {
  const own = `${quoted(resource)}::text = $1 and ${quoted(user)}::text = $2`
  await db.query(`delete from ${quoted(table)} where ${own}`, [key, id])
}

type Has = (table: string, column: string) => boolean

/** What keeps mails from somebody, and the SQL that brings it about for user `$1`. */
function reasonsOf(
  { membership, profile }: Mailing,
  has: Has,
): readonly { readonly why: string; readonly sql: string }[] {
  const own = `${quoted(membership.user)}::text = $1 and ${quoted(membership.resource)}::text = $2`
  const users = (change: string) => `update auth.users set ${change} where id::text = $1`
  const here = membership.subscribed
  const all = profile?.subscribed
  return [
    { why: 'removed', sql: `delete from ${quoted(membership.table)} where ${own}` },
    { why: 'banned', sql: users(`banned_until = now() + interval '1 day'`) },
    { why: 'unconfirmed', sql: users('email_confirmed_at = null') },
    ...(here !== undefined && has(membership.table, here)
      ? [
          {
            why: 'unsubscribed here',
            sql: `update ${quoted(membership.table)} set ${quoted(here)} = false where ${own}`,
          },
        ]
      : []),
    ...(profile !== undefined && all !== undefined && has(profile.table, all)
      ? [
          {
            why: 'unsubscribed',
            sql: `update ${quoted(profile.table)} set ${quoted(all)} = false where ${quoted(profile.user)}::text = $1`,
          },
        ]
      : []),
  ]
}

/** Users whom mails reach, each at an address of his own that needs no quoting, in an order that the seed decides. */
async function reachableUsers(db: Session, { profile }: Mailing, has: Has, limit: number, seed: number) {
  const column = (name: string | undefined, otherwise: string) =>
    profile !== undefined && name !== undefined && has(profile.table, name) ? `p.${quoted(name)}` : otherwise
  const from =
    profile === undefined ? '' : `join ${quoted(profile.table)} p on p.${quoted(profile.user)}::text = u.id::text`
  return db.query<{ id: string; email: string; name: string }>(
    `select id, email, name from (
       select u.id::text as id, lower(btrim(${column(profile?.email, 'u.email')})) as email,
         coalesce(btrim(${column(profile?.name, "''")}), '') as name,
         count(*) over (partition by lower(btrim(${column(profile?.email, 'u.email')}))) as times
       from auth.users u ${from}
       where u.deleted_at is null and u.email_confirmed_at is not null and u.email is not null
         and coalesce(u.banned_until < now(), true) and coalesce(${column(profile?.subscribed, 'true')}, true)
     ) u
     where times = 1 and email ~ '^[a-z0-9._+-]+@[a-z0-9.-]+[.][a-z]+$'
     order by md5(id || $1), id limit ${limit}`,
    [`gather ${seed}`],
  )
}

async function columnsOf(db: Session, { resource, membership, profile }: Mailing): Promise<Has> {
  const tables = [resource.table, membership.table, ...(profile === undefined ? [] : [profile.table])]
  const rows = await db.query<{ name: string; columns: string[] }>(
    `select t.name, array(select attname::text from pg_attribute
       where attrelid = to_regclass(t.quoted) and attnum > 0 and not attisdropped) as columns
     from unnest($1::text[], $2::text[]) t (name, quoted)`,
    [tables, tables.map(quoted)],
  )
  return (table, column) => rows.some((row) => row.name === table && row.columns.includes(column))
}
