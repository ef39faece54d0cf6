import type { Connection } from '../database/engine.ts'
import { displayIdentifier, displayName, qualified, quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import type { Contracts } from '../model/config.ts'
import { platformSchemas } from '../model/platform-schemas.ts'

/** A column of the app whose values are ids or addresses of users, and so ties rows to them. */
export type Tie = {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly holds: 'id' | 'address'
  /** `public.event_user_roles(user_id)` */
  readonly name: string
  /** One row for each user, by design: who has none is a kind of user. */
  readonly isProfile: boolean
  /** Column that says as what the user is in the row. */
  readonly role?: string
  /** The table of which the row makes the user an owner or a member: `public.events`. */
  readonly of?: string
  readonly isOwner: boolean
}

/** Ties looked at; the contracts' and foreign keys come first. */
const mostTies = 24
/** What a value must look like to be printed as a role. */
const roleWord = `'^[A-Za-z][A-Za-z _-]{0,29}$'`
/** Values of a role column above this number are no roles. */
const mostRoles = 12

/**
 * How users relate to the app's data: the contracts, foreign keys to auth.users or to a table of profiles, other columns
 * in which ids of users are found, and columns of addresses in which those of users are found. None where there is no
 * auth.users. Throws `database.failed`.
 */
export async function readTies(session: Connection, contracts: Contracts = {}): Promise<Tie[]> {
  const { rows } = await session.query<ColumnRow>(columnsSql, [platformSchemas])
  const ties: Tie[] = []
  const from = (row: ColumnRow) => (table: string | undefined, column: string | undefined) =>
    table === `${row.schema}.${row.table}` && column === row.column
  const sorted = rows.map((row) => ({ row, rank: rank(row, contracts, from(row)) })).filter(({ rank }) => rank < 9)
  for (const { row, rank } of sorted.toSorted((a, b) => a.rank - b.rank)) {
    if (ties.length >= mostTies) break
    if (rank >= 3 && !(await holdsUsers(session, row, rank === 5 ? 'address' : 'id'))) continue
    const { profile, resource, membership } = contracts
    const isMember = from(row)(membership?.table, membership?.user)
    const role = isMember ? membership?.role : row.column.endsWith('_by') ? undefined : await roleColumn(session, row)
    const isOwner = from(row)(resource?.table, resource?.owner) || /owner/.test(row.column)
    const of = isMember ? resource?.table : isOwner ? `${row.schema}.${row.table}` : (row.hub ?? undefined)
    ties.push({
      schema: row.schema,
      table: row.table,
      column: row.column,
      holds: rank === 5 ? 'address' : 'id',
      name: `${displayName(row.schema, row.table)}(${displayIdentifier(row.column)})`,
      isProfile: rank !== 5 && (from(row)(profile?.table, profile?.user) || (row.is_key && row.refers)),
      ...(role === undefined ? {} : { role }),
      ...(of === undefined ? {} : { of }),
      isOwner,
    })
  }
  return ties
}

/** The first of the ways in which the column may be a tie; 9 for none. 3 and above is only likely, and looked at. */
function rank(
  row: ColumnRow,
  { profile, resource, membership }: Contracts,
  is: (table: string | undefined, column: string | undefined) => boolean,
): number {
  if (is(profile?.table, profile?.user) || is(resource?.table, resource?.owner)) return 0
  if (is(membership?.table, membership?.user)) return 0
  if (row.refers) return row.is_key ? 1 : 2
  if (row.is_profile) return 9
  if (row.type === 'uuid' && !row.has_reference && !row.is_key) return 3
  if (row.type !== 'uuid' && /user|owner|member|author/i.test(row.column)) return 4
  if (row.type !== 'uuid' && /mail/i.test(row.column)) return 5
  return 9
}

type ColumnRow = {
  schema: string
  table: string
  column: string
  type: string
  is_key: boolean
  /** By a foreign key to auth.users, or to a table whose key is one. */
  refers: boolean
  has_reference: boolean
  /** Its table's key refers to auth.users. */
  is_profile: boolean
  /** The table that another column of the same table refers to: what the row is about. */
  hub: string | null
}

const columnsSql = `
with reference as (
  select k.conrelid, k.conkey[1] as attnum, k.confrelid, exists (select from pg_constraint p
    where p.conrelid = k.conrelid and p.contype = 'p' and p.conkey = k.conkey) as is_key
  from pg_constraint k where k.contype = 'f' and cardinality(k.conkey) = 1
), person as (
  select to_regclass('auth.users')::oid as oid
  union select conrelid from reference where confrelid = to_regclass('auth.users') and is_key
)
select n.nspname as schema, c.relname as table, a.attname as column, a.atttypid::regtype::text as type,
  exists (select from pg_constraint p where p.conrelid = c.oid and p.contype = 'p' and p.conkey = array[a.attnum]) as is_key,
  exists (select from reference r join person on person.oid = r.confrelid where r.conrelid = c.oid and r.attnum = a.attnum) as refers,
  exists (select from reference r where r.conrelid = c.oid and r.attnum = a.attnum) as has_reference,
  exists (select from person where person.oid = c.oid) as is_profile,
  (select hn.nspname || '.' || h.relname from reference r join pg_class h on h.oid = r.confrelid
    join pg_namespace hn on hn.oid = h.relnamespace
    where r.conrelid = c.oid and r.attnum <> a.attnum and not exists (select from person where person.oid = h.oid)
    order by r.attnum limit 1) as hub
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where to_regclass('auth.users') is not null and c.relkind in ('r', 'p') and not c.relispartition
  and not n.nspname = any ($1) and n.nspname !~ '^pg_'
  and a.atttypid::regtype::text in ('uuid', 'text', 'character varying', 'citext', 'extensions.citext')
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by n.nspname collate "C", c.relname collate "C", a.attnum`

async function holdsUsers(session: Connection, row: ColumnRow, what: Tie['holds']): Promise<boolean> {
  const { rows } = await session.query<{ found: boolean }>(
    `select exists (select from (select distinct ${quoteIdentifier(row.column)}::text as value from ${qualified(row.schema, row.table)}
       where ${quoteIdentifier(row.column)} is not null limit 5000) as part
     where ${what === 'address' ? 'lower(value) in (select lower(email) from auth.users)' : 'value in (select id::text from auth.users)'}) as found`,
  )
  return rows[0]?.found ?? false
}

/** A column beside it that says as what: of an enum, or named like a role, with few values. */
async function roleColumn(session: Connection, { schema, table }: ColumnRow): Promise<string | undefined> {
  const { rows } = await session.query<{ column: string }>(
    `select a.attname as column from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
       and a.attname ~* '(^|_)(role|permission|permissions|access_level|member_type)$' and t.typcategory in ('E', 'S')
     order by t.typtype = 'e' desc, a.attnum limit 1`,
    [qualified(schema, table)],
  )
  const column = rows[0]?.column
  if (column === undefined) return undefined
  const { rows: few } = await session.query<{ few: boolean }>(
    `select count(*) <= ${mostRoles} as few from (select distinct ${quoteIdentifier(column)}::text as value
       from ${qualified(schema, table)} limit ${mostRoles + 1}) as roles where coalesce(value ~ ${roleWord}, true)`,
  )
  return few[0]?.few ? column : undefined
}

/** `select id, codes`: the users that the tie names, each with what it makes of them, as `public.members(user_id)=viewer`. */
export function tieSql({ schema, table, column, holds, name, role }: Tie): string {
  const code =
    role === undefined
      ? quoteLiteral(name)
      : `${quoteLiteral(name)} || coalesce('=' || substring(tied.${quoteIdentifier(role)}::text from ${roleWord}), '')`
  const on =
    holds === 'address'
      ? `lower(person.email) = lower(tied.${quoteIdentifier(column)}::text)`
      : `person.id::text = tied.${quoteIdentifier(column)}::text`
  return `select person.id, array_agg(distinct (${code})::text) as codes
    from ${qualified(schema, table)} as tied join auth.users as person on ${on} group by 1`
}
