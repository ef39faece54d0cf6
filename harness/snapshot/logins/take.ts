import type { Connection, Database } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from './auth-columns.ts'
import type { IdentityFacts, LoginFacts, UserFacts } from './facts.ts'

/**
 * Reads every row of auth.users, identities, mfa_factors and sessions with their refresh tokens. What is secret or personal
 * is hashed in the server and never comes here. Throws `database.failed`, `aborted`.
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
  }
}

const hashed = (expression: string) => `coalesce(md5(nullif(${expression}, '')), '')`

async function readUsers(session: Connection, columns: AuthColumns): Promise<Map<string, UserFacts>> {
  const user = (column: string, type = 'text') => columnOrNull(columns, 'users', column, type)
  const { rows } = await session.query<UserFacts & { id: string }>(`
    select users.id::text,
      ${hashed(`lower(${user('email')})`)} as email,
      coalesce(${user('email')} = lower(${user('email')}), true) as "emailIsLower",
      ${hashed(`${user('phone')}::text`)} as phone,
      ${hashed(`${user('encrypted_password')}`)} as password,
      coalesce(${user('email_confirmed_at', 'timestamptz')}, ${user('phone_confirmed_at', 'timestamptz')}) is not null as confirmed,
      coalesce(${user('banned_until', 'timestamptz')} > now(), false) as banned,
      ${user('deleted_at', 'timestamptz')} is not null as deleted,
      md5(concat_ws(',', ${user('instance_id', 'uuid')}, ${user('aud')}, ${user('role')}, ${user('is_sso_user', 'boolean')})) as scope
    from auth.users as users`)
  return new Map(rows.map(({ id, ...facts }) => [id, facts]))
}

async function readIdentities(session: Connection, columns: AuthColumns): Promise<Map<string, IdentityFacts>> {
  if (!columns.has('identities')) return new Map()
  // Before 2023 `id` was the provider's subject and no uuid; the pair is unique either way.
  const id = columns.get('identities')?.has('provider_id') ? 'provider_id' : 'id'
  const { rows } = await session.query<IdentityFacts & { key: string }>(`
    select md5(provider || ',' || ${id}::text) as key, user_id::text as user, provider, md5(${id}::text) as subject
    from auth.identities`)
  return new Map(rows.map(({ key, ...facts }) => [key, facts]))
}

async function readFactors(session: Connection, columns: AuthColumns) {
  if (!columns.has('mfa_factors')) return new Map()
  const factor = (column: string) => `${columnOrNull(columns, 'mfa_factors', column, 'text')}::text`
  const { rows } = await session.query<{ id: string; user: string; secret: string }>(`
    select id::text, user_id::text as user, md5(concat_ws(',', ${factor('secret')}, ${factor('phone')}, ${factor('factor_type')})) as secret
    from auth.mfa_factors where status = 'verified'`)
  return new Map(rows.map(({ id, user, secret }) => [id, { user, secret }]))
}

async function readSessions(session: Connection, columns: AuthColumns) {
  if (!columns.has('sessions')) return new Map()
  const tokens = columns.get('refresh_tokens')?.has('session_id')
  const { rows } = await session.query<{ id: string; user: string; tokens: string }>(`
    select sessions.id::text, sessions.user_id::text as user,
      ${
        tokens
          ? `coalesce((select md5(string_agg(md5(t.token || t.user_id), ',' order by t.token))
              from auth.refresh_tokens t where t.session_id = sessions.id and not t.revoked), '')`
          : `''`
      } as tokens
    from auth.sessions as sessions where coalesce(${columnOrNull(columns, 'sessions', 'not_after', 'timestamptz')} > now(), true)`)
  return new Map(rows.map(({ id, user, tokens }) => [id, { user, tokens }]))
}
