import type { Connection } from '../database/engine.ts'
import { quoteLiteral } from '../database/identifiers.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from './logins/auth-columns.ts'
import { type Tie, tieSql } from './ties.ts'

/** A user and the codes of the traits, sorted (see `traitWords`). */
export type UserTraits = { readonly id: string; readonly codes: readonly string[] }

/** Users read one by one, in the order of the seed's choice; of the others only the first of each kind. */
const mostUsers = 200_000
/** Values of a claim above this number are told apart only as having it. */
const mostValues = 8

/** `perKind` users of each kind, and up to 200,000 others. Empty where there is no auth.users. */
export async function readUserTraits(
  session: Connection,
  ties: readonly Tie[],
  { seed, perKind }: { readonly seed: number; readonly perKind: number },
): Promise<UserTraits[]> {
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return []
  const joins = ties.map((tie, index) => `left join (${tieSql(tie)}) as t${index} on t${index}.id = users.id`)
  const codes = [
    ...ties.map((tie, index) =>
      tie.isProfile
        ? `case when t${index}.id is null then array[${quoteLiteral(`no:${tie.name}`)}] end`
        : `t${index}.codes`,
    ),
    `array['provider:' || ${providerOf(columns)}, 'state:' || ${stateOf(columns)}]`,
    ...(await claimCodes(session, columns)),
  ]
  const { rows } = await session.query<UserTraits>(`
    select id, codes from (
      select *, row_number() over (partition by codes order by pick, id) as rank, row_number() over (order by pick, id) as place
      from (
        select users.id::text, md5(users.id::text || ${quoteLiteral(`:${seed}`)}) as pick,
          array(select code from unnest(${codes.map((code) => `(${code})::text[]`).join(' || ')}) as code where code is not null order by code collate "C") as codes
        from auth.users as users ${joins.join(' ')}
      ) as person
    ) as ranked
    where rank <= ${perKind} or place <= ${mostUsers} order by pick, id`)
  return rows
}

function stateOf(columns: AuthColumns): string {
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  return `case when ${user('deleted_at', 'timestamptz')} is not null then 'deleted'
    when ${user('banned_until', 'timestamptz')} > now() then 'banned'
    when ${user('is_anonymous', 'boolean')} then 'anonymous'
    when coalesce(${user('email_confirmed_at', 'timestamptz')}, ${user('phone_confirmed_at', 'timestamptz')}) is null then 'unconfirmed'
    else 'confirmed' end`
}

function providerOf(columns: AuthColumns): string {
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  const named = `coalesce(${user('raw_app_meta_data', 'jsonb')} ->> 'provider', 'email')`
  return `case when ${named} = 'email' and coalesce(${user('encrypted_password', 'text')}, '') = '' then 'magic link'
    when ${named} ~ '^[a-z][a-z0-9_:-]{0,30}$' then ${named} else 'other provider' end`
}

/** Claims that policies may ask for: what app_metadata holds beyond the provider, what looks like a role in user_metadata, and roles of auth.users. */
async function claimCodes(session: Connection, columns: AuthColumns): Promise<string[]> {
  const codes: string[] = []
  for (const [column, filter] of [
    ['raw_app_meta_data', `key not in ('provider', 'providers')`],
    ['raw_user_meta_data', `key ~* '(^|_)(role|roles|admin|permissions?|plan|tier)$'`],
  ] as const) {
    if (!columns.get('users')?.has(column)) continue
    const { rows } = await session.query<{ key: string; few: boolean }>(
      `select key, count(distinct value) <= ${mostValues} and bool_and(value::text ~ '^"?[A-Za-z][A-Za-z_ -]{0,29}"?$') as few
       from auth.users, jsonb_each(case when jsonb_typeof(${column}) = 'object' then ${column} end) as claim(key, value)
       where ${filter} and key ~ '^[A-Za-z_][A-Za-z0-9_-]{0,40}$' group by key order by key collate "C" limit 12`,
    )
    const name = column === 'raw_app_meta_data' ? 'app_metadata' : 'user_metadata'
    for (const { key, few } of rows) {
      const value = few ? ` || '=' || (users.${column} ->> ${quoteLiteral(key)})` : ''
      codes.push(
        `case when users.${column} ? ${quoteLiteral(key)} then array[${quoteLiteral(`claim:${name}.${key}`)}${value}] end`,
      )
    }
  }
  if (columns.get('users')?.has('is_super_admin')) {
    codes.push(`case when users.is_super_admin then array['claim:is_super_admin'] end`)
  }
  codes.push(`case when coalesce(nullif(users.role::text, ''), 'authenticated') <> 'authenticated'
    then array['claim:a role of its own'] end`)
  return codes
}
