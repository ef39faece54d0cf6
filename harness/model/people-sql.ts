import type { Contracts } from './config.ts'

/** The contracts that say who is mailed about a resource. */
export type Mailing = Required<Pick<Contracts, 'resource' | 'membership'>> & Pick<Contracts, 'profile'>

/** Somebody who belongs to a resource, and what decides whether mails about it reach him. */
export type Person = {
  /** Of the resource, as text. */
  readonly key: string
  /** `auth.users.id`, as text. */
  readonly id: string
  readonly owner: boolean
  /** How many rows of the membership and of the profile say so: more than one each would mail him twice. */
  readonly memberships: number
  readonly profiles: number
  /** In lower case; `null`: none. Of the profile, else of the account. */
  readonly address: string | null
  /** Address of the account, in lower case. */
  readonly account: string | null
  readonly exists: boolean
  readonly deleted: boolean
  readonly banned: boolean
  readonly confirmed: boolean
  /** False: switched off, for all mails or for this resource. */
  readonly subscribed: boolean
  readonly subscribedHere: boolean
}

/** Condition over the columns of `peopleSql`: mails about the resource must reach this person, unless he caused them. */
export const mailedSql =
  'address is not null and "exists" and not deleted and not banned and confirmed and subscribed and "subscribedHere"'

/**
 * A query with one row for each person of each resource: the owner and everybody with a membership. `has` tells whether
 * the database has a column: tables that are not there have nobody, switches that are not there are on. `$1` is the
 * moment at which bans are looked at.
 */
export function peopleSql(
  { resource, membership, profile }: Mailing,
  has: (table: string, column: string) => boolean,
): string {
  const optional = (alias: string, table: string, column: string | undefined, otherwise: string) =>
    column !== undefined && has(table, column) ? `${alias}.${quote(column)}` : otherwise
  const hasResources = has(resource.table, resource.key) && has(resource.table, resource.owner)
  const hasMembers = has(membership.table, membership.resource) && has(membership.table, membership.user)
  const hasProfiles = profile !== undefined && has(profile.table, profile.user)
  const owners = `select ${quote(resource.key)}::text as key, ${quote(resource.owner)}::text as id from ${quote(resource.table)}`
  const members = `select m.${quote(membership.resource)}::text as key, m.${quote(membership.user)}::text as id,
      coalesce(${optional('m', membership.table, membership.subscribed, 'true')}::boolean, true) as here
    from ${quote(membership.table)} m`
  const address = profile?.email === undefined ? 'u.email' : 'p.address'
  const profiles = hasProfiles
    ? `select p.${quote(profile.user)}::text as id, ${optional('p', profile.table, profile.email, 'null')}::text as address,
        ${optional('p', profile.table, profile.subscribed, 'true')}::boolean as subscribed from ${quote(profile.table)} p`
    : 'select null::text as id, null::text as address, true as subscribed where false'
  return `select n.key, n.id, n.owner, n.memberships,
      count(*) filter (where p.id is not null) over (partition by n.key, n.id)::int as profiles,
      nullif(lower(btrim(${address})), '') as address, nullif(lower(btrim(u.email)), '') as account,
      u.id is not null as exists, u.deleted_at is not null as deleted, coalesce(u.banned_until > $1::timestamptz, false) as banned,
      u.email_confirmed_at is not null as confirmed, coalesce(p.subscribed, true) as subscribed, n.here as "subscribedHere"
    from (
      select key, id, bool_or(owner) as owner, count(*) filter (where not owner)::int as memberships, bool_and(here) as here
      from (
        ${hasResources ? `select key, id, true as owner, true as here from (${owners}) o` : nobody}
        union all
        ${hasResources && hasMembers ? `select m.key, m.id, false, m.here from (${members}) m where m.key in (select key from (${owners}) o)` : nobody}
      ) everybody
      where key is not null and id is not null
      group by key, id
    ) n
    left join auth.users u on u.id::text = n.id
    left join (${profiles}) p on p.id = n.id`
}

const nobody = 'select null::text, null::text, true, true where false'

function quote(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}
