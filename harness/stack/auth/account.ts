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
  'token-hash': `select ${columns}, false as "sessionExpired" from auth.users u
    where $1 <> '' and $1 in (u.confirmation_token, u.recovery_token, u.email_change_token_current, u.email_change_token_new)
    limit 1`,
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `undefined` when there is none. */
export async function findAccount(pool: Pool, reference: AccountReference): Promise<Account | undefined> {
  if (reference.by === 'id' && !uuidPattern.test(reference.value)) return undefined
  const { rows } = await pool.query<Account>(queries[reference.by], [reference.value])
  return rows[0]
}

/** How a session was opened, as GoTrue names it in the claim `amr`. `timestamp` is in seconds. */
export type AuthMethod = { readonly method: string; readonly timestamp: number }

/** Writes down how a session was opened, as GoTrue does at every login. */
export async function recordMethod(pool: Pool, sessionId: string, method: string): Promise<void> {
  await pool.query(
    `insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
     values (gen_random_uuid(), $1, now(), now(), $2) on conflict do nothing`,
    [sessionId, method],
  )
}

/** Newest first. */
export async function methodsOf(pool: Pool, sessionId: string): Promise<AuthMethod[]> {
  const { rows } = await pool.query<AuthMethod>(
    `select authentication_method as method, extract(epoch from updated_at)::int as timestamp
       from auth.mfa_amr_claims where session_id = $1 order by updated_at desc`,
    [sessionId],
  )
  return rows
}
