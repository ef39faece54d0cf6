import type { Connection, Database } from '../../../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import type { Contracts } from '../../../model/config.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from '../auth-columns.ts'
import type { LoginUser, OwnTable } from './outcome.ts'
import { ownTables, parseTable } from './own-tables.ts'

export type PickOptions = {
  readonly contracts?: Contracts
  /** Seed of the choice among users of one kind. */
  readonly seed: number
  /** Users wanted of each kind, where not everybody is taken. */
  readonly usersPerKind: number
  /** How many in all. Default: everybody up to 500, else `usersPerKind` of each kind and at most 500. */
  readonly logins?: number | 'all'
}

export type Picked = {
  /** Every beginning of it is spread over the kinds. */
  readonly users: readonly LoginUser[]
  /** Users that the database has. */
  readonly of: number
}

/** So many are all logged in, and no more than so many. */
export const everybodyUpTo = 500

/**
 * Whom to log in: a seeded sample over every kind of user there is. A kind is providers × state × membership role ×
 * has a profile. `undefined`: there is no auth.users. Deterministic. Throws `database.failed`.
 */
export async function pickLogins(database: Database, options: PickOptions): Promise<Picked | undefined> {
  await using session = await database.connect({ readOnly: true })
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return undefined
  const own = await ownTables(session, options.contracts)
  const { rows } = await session.query<Omit<LoginUser, 'own'> & { own: number | null; of: number }>(
    await usersSql(session, columns, own, options),
  )
  return {
    of: rows[0]?.of ?? 0,
    users: rows.map(({ id, email, kind, refreshToken, own: at }) => {
      const table = at === null ? undefined : own[at]
      return { id, email, kind, refreshToken, ...(table === undefined ? {} : { own: table }) }
    }),
  }
}

async function usersSql(
  session: Connection,
  columns: AuthColumns,
  own: readonly OwnTable[],
  { contracts, seed, usersPerKind, logins }: PickOptions,
): Promise<string> {
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  const providers = columns.has('identities')
    ? `(select string_agg(distinct i.provider, '+' order by i.provider) from auth.identities i where i.user_id = users.id)`
    : `${user('raw_app_meta_data', 'jsonb')} ->> 'provider'`
  const state = `case when ${user('deleted_at', 'timestamptz')} is not null then 'deleted'
    when ${user('banned_until', 'timestamptz')} > now() then 'banned'
    when ${user('is_anonymous', 'boolean')} then 'anonymous'
    when ${user('is_sso_user', 'boolean')} then 'single sign-on'
    when coalesce(${user('email_confirmed_at', 'timestamptz')}, ${user('phone_confirmed_at', 'timestamptz')}) is null then 'unconfirmed'
    else 'confirmed' end`
  const relations = await relationTraits(session, contracts)
  const traits = [
    `coalesce(${providers}, 'no identity')`,
    `case when coalesce(${user('encrypted_password', 'text')}, '') = '' then 'no password' else 'password' end`,
    `case when coalesce(${user('email', 'text')}, '') = '' then 'no e-mail' end`,
    state,
    ...relations.traits,
  ]
  const ownAt = own.map((table, at) => `when users.id::text in (${idsIn(table)}) then ${at}`)
  const token = columns.get('refresh_tokens')?.has('session_id')
    ? `(select t.token from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id
        where t.user_id = users.id::text and s.user_id = users.id and t.revoked is not true order by t.created_at desc, t.token limit 1)`
    : `null::text`
  const limit =
    typeof logins === 'number' || logins === 'all'
      ? `rank <= ${logins === 'all' ? 'everybody' : `greatest(${logins}, 0)`} order by rank, pick, id limit ${logins === 'all' ? 'all' : logins}`
      : `everybody <= ${everybodyUpTo} or rank <= ${usersPerKind} order by rank, pick, id limit ${everybodyUpTo}`
  return `
    with candidate as (
      select users.id, concat_ws(', ', ${traits.join(', ')}) as kind, md5(users.id::text || ${quoteLiteral(`:${seed}`)}) as pick
      from auth.users as users ${relations.joins.join(' ')}
    ), ranked as (
      select *, row_number() over (partition by kind order by pick, id) as rank, count(*) over ()::int as everybody from candidate
    ), chosen as (select * from ranked where ${limit})
    select users.id::text as id, coalesce(${user('email', 'text')}, '') as email, chosen.kind,
      case when coalesce(${user('email', 'text')}, '') = '' then coalesce(${token}, '') else '' end as "refreshToken",
      ${ownAt.length === 0 ? 'null::int' : `case ${ownAt.join(' ')} end`} as own, chosen.everybody as of
    from chosen join auth.users as users on users.id = chosen.id order by chosen.rank, chosen.pick, chosen.id`
}

const idsIn = ({ schema, table, column }: OwnTable) =>
  `select ${quoteIdentifier(column)}::text from ${qualified(schema, table)}`

type Relations = { readonly traits: readonly string[]; readonly joins: readonly string[] }

/** How users relate to the app, by the contracts: their strongest role, and whether they have a profile. */
async function relationTraits(session: Connection, contracts: Contracts | undefined): Promise<Relations> {
  const traits: string[] = []
  const joins: string[] = []
  const { membership, profile } = contracts ?? {}
  if (membership !== undefined && (await hasColumns(session, membership.table, [membership.user, membership.role]))) {
    const role = `${quoteIdentifier(membership.role)}::text`
    const known = `array[${membership.roles.map(quoteLiteral).join(', ')}]::text[]`
    joins.push(`left join (
        select id, (array_agg(role order by array_position(${known}, role), role))[1] as role
        from (select ${quoteIdentifier(membership.user)}::text as id,
          case when ${role} = any (${known}) then ${role} else 'another role' end as role from ${parseTable(membership.table).sql}) roles
        group by id
      ) as membership on membership.id = users.id::text`)
    traits.push(`coalesce(membership.role, 'no role')`)
  }
  if (profile !== undefined && (await hasColumns(session, profile.table, [profile.user]))) {
    traits.push(`case when users.id::text in (select ${quoteIdentifier(profile.user)}::text from ${parseTable(profile.table).sql})
      then null else 'no profile' end`)
  }
  return { traits, joins }
}

async function hasColumns(session: Connection, table: string, columns: readonly string[]): Promise<boolean> {
  const { rows } = await session.query<{ n: number }>(
    `select count(*)::int as n from pg_attribute where attrelid = to_regclass($1) and attname = any ($2) and not attisdropped`,
    [parseTable(table).sql, columns],
  )
  return rows[0]?.n === new Set(columns).size
}
