import { randomUUID } from 'node:crypto'
import type { Connection, Database } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { type AuthColumns, readAuthColumns } from './auth-columns.ts'

/** How the Auth server's own statements fare on one side. */
export type AuthWrites =
  | {
      readonly state: 'tried'
      /** First as somebody new, then with the metadata of the newest user, which some triggers need. */
      readonly signUps: readonly SignUp[]
      readonly logins: { readonly tried: number; readonly failures: readonly LoginFailure[] }
    }
  | { readonly state: 'not tried'; readonly reason: string }

export type SignUp = {
  readonly as: 'new user' | 'like the newest user'
  readonly outcome: Written
}

export type Written =
  /** Rows that the triggers added, by table, the Auth server's own apart. */
  | { readonly state: 'written'; readonly rowsByTable: Readonly<Record<string, number>> }
  | { readonly state: 'failed'; readonly sqlstate: string; readonly where: string }

export type LoginFailure = { readonly user: string; readonly sqlstate: string; readonly where: string }

/** Users for whom a login's statements are tried. */
const loginsTried = 20

/**
 * Does what GoTrue does in the database when somebody signs up and when a user logs in, as role supabase_auth_admin, and
 * rolls it back. Takes a clone, since sequences move and triggers run. Throws `database.failed`.
 */
export async function probeAuthWrites(clone: Database): Promise<AuthWrites> {
  await using session = await clone.connect()
  const columns = await readAuthColumns(session)
  if (!columns.has('users')) return { state: 'not tried', reason: 'The dump has no table auth.users.' }
  const { rows } = await session.query(`select from pg_roles where rolname = 'supabase_auth_admin'`)
  if (rows.length === 0) return { state: 'not tried', reason: 'There is no role supabase_auth_admin.' }
  const signUps: SignUp[] = []
  for (const as of ['new user', 'like the newest user'] as const) {
    const outcome = await tryIt(session, () => signUp(session, columns, as))
    signUps.push({ as, outcome })
  }
  return { state: 'tried', signUps, logins: await tryLogins(session, columns) }
}

async function signUp(session: Connection, columns: AuthColumns, as: SignUp['as']): Promise<void> {
  const id = randomUUID()
  const metadata =
    as === 'new user'
      ? `'{}'::jsonb`
      : `coalesce((select raw_user_meta_data from auth.users order by created_at desc nulls last, id limit 1), '{}'::jsonb)`
  const values: Record<string, string> = {
    instance_id: `'00000000-0000-0000-0000-000000000000'`,
    id: `'${id}'`,
    aud: `'authenticated'`,
    role: `'authenticated'`,
    email: `'${id}@sign-up.invalid'`,
    encrypted_password: `'$2a$10$................................................'`,
    raw_app_meta_data: `'{"provider": "email", "providers": ["email"]}'`,
    raw_user_meta_data: metadata,
    created_at: 'now()',
    updated_at: 'now()',
    is_sso_user: 'false',
    is_anonymous: 'false',
    confirmation_token: `''`,
    recovery_token: `''`,
    email_change_token_new: `''`,
    email_change: `''`,
  }
  await session.query(insert('users', values, columns))
  if (columns.has('identities')) {
    const identity: Record<string, string> = {
      ...(columns.get('identities')?.has('provider_id') ? { provider_id: `'${id}'` } : { id: `'${id}'` }),
      user_id: `'${id}'`,
      provider: `'email'`,
      identity_data: `jsonb_build_object('sub', '${id}', 'email', '${id}@sign-up.invalid')`,
      created_at: 'now()',
      updated_at: 'now()',
    }
    await session.query(insert('identities', identity, columns))
  }
  await session.query(`update auth.users set email_confirmed_at = now(), updated_at = now() where id = '${id}'`)
}

function insert(table: string, values: Readonly<Record<string, string>>, columns: AuthColumns): string {
  const known = Object.entries(values).filter(([column]) => columns.get(table)?.has(column))
  return `insert into auth.${table} (${known.map(([column]) => column).join(', ')}) values (${known.map(([, value]) => value).join(', ')})`
}

async function tryLogins(session: Connection, columns: AuthColumns) {
  const { rows } = await session.query<{ id: string }>(
    `select id::text from auth.users order by md5(id::text), id limit ${loginsTried}`,
  )
  const failures: LoginFailure[] = []
  for (const { id } of rows) {
    const outcome = await tryIt(session, async () => {
      await session.query(`update auth.users set last_sign_in_at = now(), updated_at = now() where id = '${id}'`)
      if (!columns.has('sessions')) return
      const open = {
        id: 'gen_random_uuid()',
        user_id: `'${id}'`,
        created_at: 'now()',
        updated_at: 'now()',
        aal: `'aal1'`,
      }
      await session.query(insert('sessions', open, columns))
    })
    if (outcome.state === 'failed') failures.push({ user: id, sqlstate: outcome.sqlstate, where: outcome.where })
  }
  return { tried: rows.length, failures }
}

/** Runs `statements` as the Auth server in a transaction that is rolled back. Only Postgres' refusals are an outcome. */
async function tryIt(session: Connection, statements: () => Promise<void>): Promise<Written> {
  await session.query('begin')
  try {
    await session.query(
      `set local role supabase_auth_admin; set local search_path = auth; set local statement_timeout = '10s'; set constraints all immediate`,
    )
    await statements()
    await session.query('reset role')
    return { state: 'written', rowsByTable: await rowsAdded(session) }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5)) {
      throw error
    }
    return { state: 'failed', sqlstate: error.code, where: functionIn(error) }
  } finally {
    await session.query('rollback')
  }
}

/** The PL/pgSQL or SQL function at fault, from Postgres' context; its statement and values stay out. */
function functionIn(error: Error): string {
  const context = 'where' in error && typeof error.where === 'string' ? error.where : ''
  return /(?:PL\/pgSQL|SQL) function (?:")?([\w.]+)/.exec(context)?.[1] ?? ''
}

async function rowsAdded(session: Connection): Promise<Record<string, number>> {
  const { rows } = await session.query<{ schema: string; name: string; n: number }>(`
    select schemaname as schema, relname as name, n_tup_ins::int as n from pg_stat_xact_all_tables
    where n_tup_ins > 0 and schemaname not in ('auth', 'pg_catalog', 'pg_toast') order by schemaname collate "C", relname collate "C"`)
  return Object.fromEntries(rows.map(({ schema, name, n }) => [displayName(schema, name), n]))
}
