import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from './auth-columns.ts'
import type { IdentityFacts, LoginFacts, ReadFacts, UserFacts } from './facts.ts'
import { isAcceptedHash } from './password-hash.ts'

/** Columns of auth.users that GoTrue scans into plain strings (`internal/models/user.go`): '' is wanted, NULL fails. */
const neverNull = [
  'confirmation_token',
  'recovery_token',
  'email_change',
  'email_change_token_new',
  'email_change_token_current',
  'phone_change',
  'phone_change_token',
  'reauthentication_token',
]

/**
 * Reads every row of auth.users, identities, mfa_factors, sessions and refresh_tokens. What is secret or personal is
 * hashed in the server and never comes here. Throws `database.failed`, `aborted`.
 */
export async function takeLogins(database: Database, { signal }: { signal?: AbortSignal } = {}): Promise<LoginFacts> {
  await using session = await database.connect({ readOnly: true })
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return { state: 'absent', reason: 'The dump has no table auth.users.' }
  const users = await readUsers(session, columns)
  throwIfAborted(signal, 'reading the logins')
  return {
    state: 'read',
    users,
    identities: await readIdentities(session, columns),
    factors: await readFactors(session, columns),
    sessions: await readSessions(session, columns),
    refreshTokens: await readRefreshTokens(session, columns),
  }
}

const hashed = (expression: string) => `coalesce(md5(nullif(${expression}, '')), '')`

async function readUsers(session: Connection, columns: AuthColumns): Promise<Map<string, UserFacts>> {
  const user = (column: string, type = 'text') => columnOrNull(columns, 'users', column, type)
  const nulls = neverNull
    .filter((column) => columns.get('users')?.has(column))
    .map((column) => `case when users.${column} is null then '${column}' end`)
  const { rows } = await session.query<UserFacts & { id: string }>(`
    select users.id::text,
      ${hashed(`lower(${user('email')})`)} as email,
      coalesce(${user('email')} = lower(${user('email')}), true) as "emailIsLower",
      ${hashed(`${user('phone')}::text`)} as phone,
      ${hashed(`${user('encrypted_password')}`)} as password,
      ${isAcceptedHash(`coalesce(${user('encrypted_password')}, '')::text`)} as "passwordIsHash",
      coalesce(${user('email_confirmed_at', 'timestamptz')}, ${user('phone_confirmed_at', 'timestamptz')}) is not null as confirmed,
      coalesce(${user('banned_until', 'timestamptz')} > now(), false) as banned,
      ${hashed(`${user('banned_until', 'timestamptz')}::text`)} as "bannedUntil",
      ${user('deleted_at', 'timestamptz')} is not null as deleted,
      md5(concat_ws(',', ${user('instance_id', 'uuid')}, ${user('aud')}, ${user('role')}, ${user('is_sso_user', 'boolean')})) as scope,
      array_remove(array[${nulls.join(', ')}]::text[], null) as nulls,
      ${hashed(`nullif(${user('raw_app_meta_data', 'jsonb')}, '{}')::text`)} as "appMetadata",
      ${hashed(`nullif(${user('raw_user_meta_data', 'jsonb')}, '{}')::text`)} as "userMetadata"
    from auth.users as users`)
  return new Map(rows.map(({ id, ...facts }) => [id, facts]))
}

async function readIdentities(session: Connection, columns: AuthColumns): Promise<Map<string, IdentityFacts>> {
  if (!columns.has('identities')) return new Map()
  // Before 2023 `id` was the provider's subject and no uuid; the pair is unique either way.
  const id = columns.get('identities')?.has('provider_id') ? 'provider_id' : 'id'
  const { rows } = await session.query<IdentityFacts & { key: string }>(`
    select md5(provider || ',' || ${id}::text) as key, user_id::text as user, provider,
      ${hashed(`lower(${columnOrNull(columns, 'identities', 'identity_data', 'jsonb')} ->> 'email')`)} as email
    from auth.identities as identities`)
  return new Map(rows.map(({ key, ...facts }) => [key, facts]))
}

async function readFactors(session: Connection, columns: AuthColumns): Promise<ReadFacts['factors']> {
  if (!columns.has('mfa_factors')) return new Map()
  const factor = (column: string) => `${columnOrNull(columns, 'mfa_factors', column, 'text')}::text`
  const { rows } = await session.query<{ id: string; user: string; secret: string }>(`
    select id::text, user_id::text as user, md5(concat_ws(',', ${factor('secret')}, ${factor('phone')}, ${factor('factor_type')})) as secret
    from auth.mfa_factors where status = 'verified'`)
  return new Map(rows.map(({ id, user, secret }) => [id, { user, secret }]))
}

async function readSessions(session: Connection, columns: AuthColumns): Promise<ReadFacts['sessions']> {
  if (!columns.has('sessions')) return new Map()
  const { rows } = await session.query<{ id: string; user: string }>(`
    select sessions.id::text, sessions.user_id::text as user from auth.sessions as sessions
    where coalesce(${columnOrNull(columns, 'sessions', 'not_after', 'timestamptz')} > now(), true)`)
  return new Map(rows.map(({ id, user }) => [id, user]))
}

async function readRefreshTokens(session: Connection, columns: AuthColumns): Promise<ReadFacts['refreshTokens']> {
  if (!columns.has('refresh_tokens')) return new Map()
  const of = (column: string, type: string) => columnOrNull(columns, 'refresh_tokens', column, type)
  const { rows } = await session.query<{ token: string; user: string; session: string }>(`
    select md5(token) as token, coalesce(${of('user_id', 'text')}::text, '') as user,
      coalesce(${of('session_id', 'uuid')}::text, '') as session
    from auth.refresh_tokens as refresh_tokens where token <> '' and revoked is not true`)
  return new Map(rows.map(({ token, user, session: id }) => [token, { user, session: id }]))
}
