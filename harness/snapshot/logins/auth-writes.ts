import { randomUUID } from 'node:crypto'
import type { Connection, Database } from '../../database/engine.ts'
import { displayName, quoteLiteral } from '../../database/identifiers.ts'
import { type AuthColumns, columnOrNull, readAuthColumns } from './auth-columns.ts'

/** How the Auth server's own statements fare on one side. */
export type AuthWrites =
  | {
      readonly state: 'tried'
      /** First as somebody new, then with the metadata of a user of each common kind, which triggers may tell apart. */
      readonly signUps: readonly SignUp[]
      readonly logins: {
        readonly tried: number
        readonly failures: readonly LoginFailure[]
        /** Of the fastest one that was written; absent when none was. */
        readonly milliseconds?: number
      }
    }
  | { readonly state: 'not tried'; readonly reason: string }

export type SignUp = {
  /** For people, without personal data: `new user`, `google, with avatar_url, full_name`. */
  readonly as: string
  readonly outcome: Written
  readonly milliseconds: number
}

export type Written =
  /** Rows that the triggers added, by table, the Auth server's own apart. */
  | { readonly state: 'written'; readonly rowsByTable: Readonly<Record<string, number>> }
  | { readonly state: 'failed'; readonly sqlstate: string; readonly where: string }

export type LoginFailure = { readonly user: string; readonly sqlstate: string; readonly where: string }

/** Users for whom a login's statements are tried, of each provider in turn. */
const loginsTried = 20
/** Kinds of users that a sign-up is tried as, the most common first. */
const kindsTried = 8
/** After so long no more logins are tried, but for the first few: each of them waits for a trigger. */
const patience = 10_000
const fewestLogins = 3
/** What "no row was written" is called: a trigger that returns NULL makes no error. */
const noRow = '02000'

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
  for (const kind of [newUser, nextUser, ...(await kindsOfUsers(session, columns))]) {
    const started = performance.now()
    const outcome = await tryIt(session, async () => {
      if (kind.follows) await signUp(session, columns, kind)
      await signUp(session, columns, kind)
    })
    signUps.push({ as: kind.as, outcome, milliseconds: performance.now() - started })
  }
  return { state: 'tried', signUps, logins: await tryLogins(session, columns) }
}

type Kind = {
  readonly as: string
  readonly provider: string
  readonly anonymous: boolean
  readonly like?: string
  /** Signs up after another one of its kind: a constant in a unique column lets one in, and nobody after. */
  readonly follows?: boolean
}

const newUser: Kind = { as: 'new user', provider: 'email', anonymous: false }
const nextUser: Kind = { ...newUser, as: 'the next new user', follows: true }

/** The most common kinds of users by provider and by what their metadata holds, each with one of them to be like. */
async function kindsOfUsers(session: Connection, columns: AuthColumns): Promise<Kind[]> {
  const user = (column: string, type: string) => columnOrNull(columns, 'users', column, type)
  const { rows } = await session.query<{ provider: string; anonymous: boolean; keys: string; like: string }>(`
    select provider, anonymous, keys, min(id) as like from (
      select users.id::text, coalesce(${user('raw_app_meta_data', 'jsonb')} ->> 'provider', 'email') as provider,
        coalesce(${user('is_anonymous', 'boolean')}, false) as anonymous,
        (select coalesce(string_agg(key, ', ' order by key collate "C"), '') from jsonb_object_keys(
          case jsonb_typeof(${user('raw_user_meta_data', 'jsonb')}) when 'object' then ${user('raw_user_meta_data', 'jsonb')} end)  as key where key ~ '^[[:alnum:]_]{1,40}$') as keys
      from auth.users as users) as kinds
    group by 1, 2, 3 order by count(*) desc, provider collate "C", keys collate "C", anonymous limit ${kindsTried}`)
  return rows.map(({ keys, ...kind }) => ({
    ...kind,
    as: [kind.anonymous ? 'anonymous' : kind.provider, keys === '' ? '' : `with ${keys}`].filter(Boolean).join(', '),
  }))
}

async function signUp(session: Connection, columns: AuthColumns, { provider, anonymous, like }: Kind): Promise<void> {
  const id = randomUUID()
  const of = (column: string, otherwise: string) =>
    like === undefined ? otherwise : `coalesce((select ${column} from auth.users where id = '${like}'), ${otherwise})`
  const metadata = of('raw_user_meta_data', `'{}'::jsonb`)
  const values: Record<string, string> = {
    instance_id: `'00000000-0000-0000-0000-000000000000'`,
    id: `'${id}'`,
    aud: `'authenticated'`,
    role: `'authenticated'`,
    // At the domain of the one it is like, since triggers may refuse others. Nothing is sent: it is rolled back.
    email: anonymous
      ? 'null'
      : like === undefined
        ? `'${id}@sign-up.invalid'`
        : `'${id}@' || ${of(`nullif(split_part(email, '@', 2), '')`, `'sign-up.invalid'`)}`,
    encrypted_password: `'$2a$10$................................................'`,
    raw_app_meta_data: of('raw_app_meta_data', `'{"provider": "email", "providers": ["email"]}'::jsonb`),
    raw_user_meta_data: metadata,
    created_at: 'now()',
    updated_at: 'now()',
    is_sso_user: 'false',
    is_anonymous: `${anonymous}`,
    confirmation_token: `''`,
    recovery_token: `''`,
    email_change_token_new: `''`,
    email_change: `''`,
  }
  await written(session, insert('users', values, columns))
  if (columns.has('identities') && !anonymous) {
    const identity: Record<string, string> = {
      ...(columns.get('identities')?.has('provider_id') ? { provider_id: `'${id}'` } : { id: `'${id}'` }),
      user_id: `'${id}'`,
      provider: quoteLiteral(provider),
      identity_data: `jsonb_build_object('sub', '${id}', 'email', '${id}@sign-up.invalid')`,
      created_at: 'now()',
      updated_at: 'now()',
    }
    await session.query(insert('identities', identity, columns))
  }
  if (anonymous) return
  await written(session, `update auth.users set email_confirmed_at = now(), updated_at = now() where id = '${id}'`)
}

/** Throws when a statement that must write a row writes none. */
async function written(session: Connection, sql: string): Promise<void> {
  const { rowCount } = await session.query(sql)
  if (rowCount === 0) throw Object.assign(new Error('No row was written.'), { code: noRow })
}

function insert(table: string, values: Readonly<Record<string, string>>, columns: AuthColumns): string {
  const known = Object.entries(values).filter(([column]) => columns.get(table)?.has(column))
  return `insert into auth.${table} (${known.map(([column]) => column).join(', ')}) values (${known.map(([, value]) => value).join(', ')})`
}

async function tryLogins(session: Connection, columns: AuthColumns) {
  const { rows } = await session.query<{ id: string }>(
    `select id::text from auth.users as users
     order by row_number() over (partition by ${columnOrNull(columns, 'users', 'raw_app_meta_data', 'jsonb')} ->> 'provider' order by md5(id::text), id),
       md5(id::text), id limit ${loginsTried}`,
  )
  const failures: LoginFailure[] = []
  const times: number[] = []
  const begun = performance.now()
  let tried = 0
  for (const { id } of rows) {
    if (tried >= fewestLogins && performance.now() - begun > patience) break
    tried += 1
    const started = performance.now()
    const outcome = await tryIt(session, async () => {
      await written(session, `update auth.users set last_sign_in_at = now(), updated_at = now() where id = '${id}'`)
      if (!columns.has('sessions')) return
      const open = {
        id: 'gen_random_uuid()',
        user_id: `'${id}'`,
        created_at: 'now()',
        updated_at: 'now()',
        aal: `'aal1'`,
      }
      await written(session, insert('sessions', open, columns))
    })
    if (outcome.state === 'written') times.push(performance.now() - started)
    else failures.push({ user: id, sqlstate: outcome.sqlstate, where: outcome.where })
  }
  return { tried, failures, ...(times.length > 0 ? { milliseconds: Math.min(...times) } : {}) }
}

/** Runs `statements` as the Auth server in a transaction that is rolled back. Only Postgres' refusals are an outcome. */
async function tryIt(session: Connection, statements: () => Promise<void>): Promise<Written> {
  // Else Postgres may add what an earlier try wrote, within a second, to the counts of this one.
  await session.query('select pg_catalog.pg_stat_force_next_flush()')
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
