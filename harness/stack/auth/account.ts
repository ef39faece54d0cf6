import type { Pool } from 'pg'

/** What decides whether GoTrue lets an account in, and what it writes into its token. */
export type Account = {
  readonly id: string
  readonly banned: boolean
  readonly deleted: boolean
  readonly anonymous: boolean
  readonly email: string
  readonly phone: string
  readonly appMetadata: Readonly<Record<string, unknown>>
  readonly userMetadata: Readonly<Record<string, unknown>>
  /** What GoTrue checks a password against; `other` is a hash imported from another system (Argon2, Firebase scrypt). */
  readonly password: 'bcrypt' | 'other' | 'none'
  /** Whether GoTrue finds it by its address: not those of a single sign-on provider, and not those of another audience. */
  readonly byAddress: boolean
  /** True when the session that the request belongs to is over. */
  readonly sessionExpired: boolean
}

/** How a request names its account. */
export type AccountReference = { readonly by: 'id' | 'email' | 'refresh-token' | 'token-hash'; readonly value: string }

const columns = `u.id,
  coalesce(u.banned_until > now(), false) as banned,
  u.deleted_at is not null as deleted,
  coalesce(u.is_anonymous, false) as anonymous,
  coalesce(not u.is_sso_user and u.aud = 'authenticated', false) as "byAddress",
  coalesce(u.email, '') as email,
  coalesce(u.phone, '') as phone,
  coalesce(u.raw_app_meta_data, '{}') as "appMetadata",
  coalesce(u.raw_user_meta_data, '{}') as "userMetadata",
  case when coalesce(u.encrypted_password, '') = '' then 'none'
    when u.encrypted_password ~ '^[$]2[abxy][$]' then 'bcrypt' else 'other' end as password`

/** Where Auth keeps the tokens of its links. */
export const tokenColumns = [
  'recovery_token',
  'confirmation_token',
  'email_change_token_current',
  'email_change_token_new',
] as const

const queries: Readonly<Record<AccountReference['by'], string>> = {
  id: `select ${columns}, false as "sessionExpired" from auth.users u where u.id = $1::uuid`,
  // Also those whom GoTrue does not find by their address, since the Auth server that runs here does.
  email: `select ${columns}, false as "sessionExpired" from auth.users u
    where u.email = lower($1) order by (not u.is_sso_user and u.aud = 'authenticated') desc nulls last limit 1`,
  'refresh-token': `select ${columns}, coalesce(s.not_after < now(), false) as "sessionExpired"
    from auth.refresh_tokens t
    join auth.users u on u.id = t.user_id::uuid
    left join auth.sessions s on s.id = t.session_id
    where t.token = $1`,
  // One look-up for each column, so that each can use its index.
  'token-hash': tokenColumns
    .map(
      (column) => `select ${columns}, false as "sessionExpired" from auth.users u where $1 <> '' and u.${column} = $1`,
    )
    .join(' union all ')
    .concat(' limit 1'),
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `undefined` when there is none. */
export async function findAccount(pool: Pool, reference: AccountReference): Promise<Account | undefined> {
  if (reference.by === 'id' && !uuidPattern.test(reference.value)) return undefined
  const { rows } = await pool.query<Account>({
    name: `account by ${reference.by}`,
    text: queries[reference.by],
    values: [reference.value],
  })
  return rows[0]
}

/** How a session was opened, as GoTrue names it in the claim `amr`. `timestamp` is in seconds. */
export type AuthMethod = { readonly method: string; readonly timestamp: number }

/** Whose token it is, and how the session was opened, newest first. */
export type SessionFacts = { readonly account: Account; readonly methods: readonly AuthMethod[] }

const sessionFacts = `
  with recorded as (
    insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
    select gen_random_uuid(), $2::uuid, now(), now(), $3::text where $3::text is not null
    on conflict do nothing returning authentication_method, updated_at
  ), methods as (
    select authentication_method, updated_at from auth.mfa_amr_claims where session_id = $2::uuid
    union all select authentication_method, updated_at from recorded
  )
  select ${columns}, false as "sessionExpired",
    (select coalesce(jsonb_agg(jsonb_build_object('method', authentication_method,
        'timestamp', extract(epoch from updated_at)::int) order by updated_at desc, authentication_method), '[]') from methods) as methods
  from auth.users u where u.id = $1::uuid`

/** Writes down how a session was opened, as GoTrue does at every login, and reads what its token says. */
export async function openSession(
  pool: Pool,
  {
    userId,
    sessionId,
    method,
  }: { readonly userId: string; readonly sessionId: string; readonly method: string | undefined },
): Promise<SessionFacts | undefined> {
  const { rows } = await pool.query<Account & { methods: AuthMethod[] }>({
    name: 'session',
    text: sessionFacts,
    values: [userId, sessionId, method ?? null],
  })
  const [row] = rows
  if (row === undefined) return undefined
  const { methods, ...account } = row
  return { account, methods }
}
