import pg from 'pg'
import type { Contracts } from '../harness/model/config.ts'
import type { SuiteDatabase } from './context.ts'
import { quoted } from './names.ts'
import { insertSql, type Row, rowFor } from './rows.ts'

export type Session = Pick<SuiteDatabase, 'query'>
export type Shared = Required<Pick<Contracts, 'resource' | 'membership' | 'access'>>

/** Somebody and what he is to the resource. `id` is absent for who is not logged in. */
export type Actor = { readonly is: string; readonly id?: string; readonly email?: string }

/** One resource with somebody of every kind: for each role a member, and the outsiders. */
export type Cast = {
  readonly resource: string
  /** Ids of everybody who has a role in it or owns it. */
  readonly people: readonly string[]
  readonly actors: readonly Actor[]
  /** A user who has nothing to do with it, for rows that are about somebody else. */
  readonly newcomer: string
}

/** Keys of resources whose owner is a user, in an order that the seed decides. */
export async function resourceKeys(
  session: Session,
  { resource }: Pick<Shared, 'resource'>,
  seed: number,
  limit: number,
): Promise<string[]> {
  const key = `r.${quoted(resource.key)}::text`
  const rows = await session.query<{ key: string }>(
    `select ${key} as key from ${quoted(resource.table)} r join auth.users u on u.id::text = r.${quoted(resource.owner)}::text
     order by md5(${key} || $1), 1 limit ${limit}`,
    [`actors ${seed}`],
  )
  return rows.map((row) => row.key)
}

/** The owner of the resource, and after him users who own nothing, for `castOf`. Reads only. */
export function pickUsers(session: Session, app: Shared, resource: string, seed: number): Promise<readonly Picked[]> {
  return someUsers(session, app, resource, seed, wantedBy(app).length + 1)
}

function wantedBy({ membership, access }: Shared): string[] {
  const roles = membership.roles.filter((role) => role !== membership.ownerRole)
  return [...roles, ...(access.invited ? ['invited'] : []), 'removed', 'stranger']
}

/**
 * Makes the cast of one resource of these: its owner, and users who own nothing and are in nothing else, as what the
 * contract knows. Writes: call it in a transaction that is rolled back. Throws when there are too few users.
 */
export async function castOf(
  session: Session,
  app: Shared,
  resource: string,
  [owner, ...users]: readonly Picked[],
): Promise<Cast> {
  const { membership, access } = app
  const roles = membership.roles.filter((role) => role !== membership.ownerRole)
  const wanted = wantedBy(app)
  const newcomer = users.pop()
  if (owner === undefined || newcomer === undefined || users.length < wanted.length)
    throw new Error(`There are too few users for a ${wanted.join(', a ')} and a newcomer.`)
  const actors: Actor[] = [
    { is: membership.ownerRole, ...owner },
    ...users.map((user, at) => ({ is: wanted[at] ?? 'stranger', ...user })),
    { is: 'anon' },
  ]
  const m = quoted(membership.table)
  const [ofUser, ofResource] = [quoted(membership.user), quoted(membership.resource)]
  // Of the column's own type, so that its index serves: this is done for every table and command.
  const strangers = [...users, newcomer].map(({ id }) => literal(id)).join(', ')
  await session.query(`delete from ${m} where ${ofUser} in (${strangers})`)
  await session.query(
    `delete from ${m} where ${ofResource} = ${literal(resource)} and ${ofUser} = ${literal(owner.id)}`,
  )
  for (const { is, id } of actors) {
    if (!membership.roles.includes(is) && is !== 'removed') continue
    const role = is === 'removed' ? (roles[0] ?? membership.ownerRole) : is
    const row = { [membership.resource]: resource, [membership.user]: id, [membership.role]: role }
    await insert(session, membership.table, row)
  }
  const removed = actors.find(({ is }) => is === 'removed')?.id
  if (removed !== undefined) await session.query(`delete from ${m} where ${ofUser} = ${literal(removed)}`)
  const invited = actors.find(({ is }) => is === 'invited')
  if (access.invited !== undefined && invited !== undefined) {
    await insert(session, access.invited.table, filledRow(access.invited.values, { resource, actor: invited }))
  }
  const people = await session.query<{ id: string }>(
    `select distinct ${ofUser}::text as id from ${m} where ${ofResource} = ${literal(resource)}`,
  )
  const ids = new Set([...people.map(({ id }) => id), owner.id])
  return { resource, people: [...ids].sort(), actors, newcomer: newcomer.id }
}

export type Picked = { readonly id: string; readonly email?: string }

/** The owner of the resource, and after him users who own no resource: those with the fewest memberships first. */
async function someUsers(
  session: Session,
  { resource, membership }: Shared,
  key: string,
  seed: number,
  count: number,
): Promise<Picked[]> {
  const [r, m] = [quoted(resource.table), quoted(membership.table)]
  const rows = await session.query<{ id: string; email: string | null }>(
    `(select u.id::text, u.email::text from ${r} r join auth.users u on u.id::text = r.${quoted(resource.owner)}::text
      where r.${quoted(resource.key)}::text = $1)
     union all
     (select u.id::text, u.email::text from auth.users u
      left join (select ${quoted(membership.user)}::text as id, count(*) as times from ${m} group by 1) m on m.id = u.id::text
      where u.deleted_at is null and u.email is not null
        and not exists (select from ${r} r where r.${quoted(resource.owner)}::text = u.id::text)
      order by coalesce(m.times, 0), md5(u.id::text || $2), u.id
      limit ${count})`,
    [key, `cast ${seed}`],
  )
  return rows.map(({ id, email }) => ({ id, ...(email === null ? {} : { email }) }))
}

function literal(text: string): string {
  return pg.escapeLiteral(text)
}

async function insert(session: Session, table: string, values: Row): Promise<void> {
  const row = await rowFor(session, table, values)
  await session.query(insertSql(table, row), [JSON.stringify([row])])
}

type Fill = { readonly resource: string; readonly actor: Actor; readonly newcomer?: string }

/** The values of a contract with their `{placeholders}` replaced; one whose value is not there becomes NULL. */
export function filledRow(values: Readonly<Record<string, string>>, { resource, actor, newcomer }: Fill): Row {
  const known: Readonly<Record<string, string | undefined>> = {
    resource,
    actor: actor.id,
    email: actor.email,
    newcomer,
    uuid: crypto.randomUUID(),
  }
  return Object.fromEntries(
    Object.entries(values).map(([column, text]) => {
      const whole = /^\{(\w+)\}$/.exec(text)?.[1]
      if (whole !== undefined && whole in known) return [column, known[whole] ?? null]
      return [column, text.replace(/\{(\w+)\}/g, (unknown, name: string) => known[name] ?? unknown)]
    }),
  )
}
