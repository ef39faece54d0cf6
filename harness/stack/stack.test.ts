import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from '@supabase/supabase-js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Stack } from '../model/stack.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { startStack } from './stack.ts'

const appSchema = fileURLToPath(new URL('../../fixtures/planner/production/app.sql', import.meta.url))
const functions = fileURLToPath(new URL('../../fixtures/stack/functions', import.meta.url))

/** As GoTrue writes them; `kind` is the local part of the address. bcrypt at its lowest cost, to be quick. */
const accounts = `
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, confirmation_token,
    recovery_token, email_change_token_new, email_change, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    banned_until, deleted_at)
  select '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated', kind || '@example.com',
    case when kind = 'google' then '' else extensions.crypt('secret of ' || kind, extensions.gen_salt('bf', 4)) end,
    case when kind <> 'unconfirmed' then now() end, '', '', '', '',
    jsonb_build_object('provider', 'email', 'providers', array['email'], 'plan', 'pro'),
    jsonb_build_object('full_name', 'A ' || kind), now(), now(),
    case when kind = 'banned' then now() + interval '1 year' end, case when kind = 'deleted' then now() end
  from unnest(array['ada', 'google', 'unconfirmed', 'banned', 'deleted']) kind`

/** As projects made before 2026 have them: the app's schema is written for such a one. */
const defaultPrivileges = ['tables', 'sequences', 'functions']
  .map(
    (objects) =>
      `alter default privileges in schema public grant all on ${objects} to anon, authenticated, service_role`,
  )
  .join(';')

let cluster: Cluster
let database: Database
let stack: Stack
let ownChildren: Set<number>

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('stack')
  await preparePlatformSchemas(database)
  await using owner = await database.connect({ role: 'postgres' })
  await owner.query(defaultPrivileges)
  await owner.query(await readFile(appSchema, 'utf8'))
  await using admin = await database.connect()
  await admin.query(accounts)
  ownChildren = children()
  stack = await startStack(database, { functions, mailAccount: { rateLimit: 0 } })
})
afterAll(async () => {
  await stack?.stop()
  await cluster?.stop()
})

function client(key = stack.anonKey) {
  return createClient(stack.url, key, { auth: { persistSession: false, autoRefreshToken: false } })
}

async function signedIn(kind = 'ada') {
  const supabase = client()
  const { data, error } = await supabase.auth.signInWithPassword({
    email: `${kind}@example.com`,
    password: `secret of ${kind}`,
  })
  expect(error).toBeNull()
  return { supabase, session: data.session, user: data.user }
}

function children(): Set<number> {
  if (process.platform !== 'linux') return new Set()
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Set(pids.map(Number).filter((pid) => parentOf(pid) === process.pid))
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

const started = () => [...children()].filter((pid) => !ownChildren.has(pid)).length

test('a stack that nobody has used yet runs no program', () => {
  expect(started()).toBe(0)
  expect(stack.functions).toContain('hello')
})

describe('the Data API', () => {
  test('starts once for several first requests, and reads as anon', async () => {
    const [vendors, code] = await Promise.all([
      client().from('vendors').select('*'),
      client().rpc('validate_access_code', { p_code: 'none' }),
    ])
    expect(vendors).toMatchObject({ status: 200, data: [] })
    expect(code).toMatchObject({ status: 200, data: [{ valid: false, event_id: null }] })
    if (process.platform === 'linux') expect(started()).toBe(1)
  })

  test.runIf(process.platform === 'linux')('ends within a request: told as a break, by its route', async () => {
    const others = children()
    await using own = await startStack(database)
    const read = () => fetch(`${own.url}/rest/v1/vendors?name=eq.x`, { headers: { apikey: own.anonKey } })
    expect((await read()).status).toBe(200)
    await using admin = await database.connect()
    await admin.query('begin; lock table public.vendors')
    const [waiting, waits] = [read(), 'select from pg_locks where not granted']
    await expect.poll(async () => (await admin.query(waits)).rows.length).toBe(1)
    for (const pid of children()) if (!others.has(pid)) process.kill(pid, 'SIGKILL')
    expect((await waiting).status).toBe(502)
    expect(own.breaks()).toMatchObject([{ path: '/rest/v1/vendors', message: 'socket hang up' }])
  })

  test('shows a user what the policies show, and the service everything', async () => {
    const { supabase, user } = await signedIn()
    const created = await supabase
      .from('events')
      .insert({ owner_id: user?.id, title: 'Party', starts_at: '2027-06-01T18:00:00Z' })
      .select('title')
    expect(created).toMatchObject({ status: 201, data: [{ title: 'Party' }] })
    expect((await supabase.from('profiles').select('full_name')).data).toEqual([{ full_name: 'A ada' }])
    expect((await client().from('events').select('*')).data).toEqual([])
    expect((await client(stack.serviceKey).from('profiles').select('*')).data).toHaveLength(5)
  })

  test('reads the schema once: nobody asks whether it is ready before it says so', async () => {
    for (let asked = 0; asked < 30; asked += 1) await client().from('events').select('id').limit(1)
    const lines = stack.logs().filter(({ source }) => source === 'data-api')
    expect(lines.filter(({ line }) => line.includes('Attempting to connect')).length).toBe(1)
    expect(lines.filter(({ line }) => line.includes('Schema cache loaded')).length).toBe(1)
  })
})

describe('Auth', () => {
  test("logs a user in with GoTrue's bcrypt password, and signs GoTrue's claims", async () => {
    const { session, user } = await signedIn()
    expect(decodeJwt(session?.access_token ?? '')).toEqual({
      iss: `${stack.url}/auth/v1`,
      sub: user?.id,
      aud: 'authenticated',
      role: 'authenticated',
      exp: expect.any(Number),
      iat: expect.any(Number),
      email: 'ada@example.com',
      phone: '',
      app_metadata: { provider: 'email', providers: ['email'], plan: 'pro' },
      user_metadata: { full_name: 'A ada' },
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: expect.any(Number) }],
      session_id: expect.any(String),
      is_anonymous: false,
    })
  })

  test('keeps a session: reads the user, refreshes, signs out', async () => {
    const { supabase, session } = await signedIn()
    expect((await supabase.auth.getUser()).data.user?.email).toBe('ada@example.com')
    const refreshed = await supabase.auth.refreshSession()
    expect(refreshed.error).toBeNull()
    const claims = decodeJwt(refreshed.data.session?.access_token ?? '')
    expect(claims).toMatchObject({ app_metadata: { plan: 'pro' }, amr: [{ method: 'password' }] })
    expect((await supabase.auth.signOut()).error).toBeNull()
    const again = await client().auth.refreshSession({ refresh_token: session?.refresh_token ?? '' })
    expect(again.error?.code).toBe('refresh_token_not_found')
  })

  test.each([
    ['ada', 'wrong', 'invalid_credentials'],
    ['nobody', 'secret of nobody', 'invalid_credentials'],
    ['google', '', 'invalid_credentials'],
    ['unconfirmed', 'secret of unconfirmed', 'email_not_confirmed'],
    ['banned', 'secret of banned', 'user_banned'],
    ['deleted', 'secret of deleted', 'invalid_credentials'],
  ])('refuses %s with %j as GoTrue does: %s', async (kind, password, code) => {
    const { data, error } = await client().auth.signInWithPassword({
      email: `${kind}@example.com`,
      password: password || 'x',
    })
    expect(data.session).toBeNull()
    expect([error?.status, error?.code]).toEqual([400, code])
  })

  test('a user who is banned while signed in is refused', async () => {
    const { supabase } = await signedIn()
    await using admin = await database.connect()
    await admin.query(`update auth.users set banned_until = now() + interval '1 hour' where email = 'ada@example.com'`)
    expect((await supabase.auth.getUser()).error).toMatchObject({ status: 403, code: 'user_banned' })
    expect((await supabase.auth.refreshSession()).error).toMatchObject({ status: 400, code: 'user_banned' })
    await admin.query(`update auth.users set banned_until = null where email = 'ada@example.com'`)
  })

  test('a user without a password logs in through the link in the captured mail, once', async () => {
    const email = 'google@example.com'
    expect((await client().auth.signInWithOtp({ email, options: { shouldCreateUser: false } })).error).toBeNull()
    const mail = stack.mails().at(-1)
    expect(mail).toMatchObject({ source: 'auth', id: expect.stringMatching(/^auth-\d+$/), to: [email] })
    const link = new URL(mail?.links[0] ?? '')
    const token_hash = link.searchParams.get('token') ?? ''
    const verified = await client().auth.verifyOtp({ token_hash, type: 'email' })
    expect(verified.data.session?.user.email).toBe(email)
    expect((await client().auth.verifyOtp({ token_hash, type: 'email' })).error?.code).toBe('otp_expired')
  })

  test('the link itself redirects with a session in the fragment', async () => {
    await client().auth.signInWithOtp({ email: 'google@example.com' })
    const answer = await fetch(stack.mails().at(-1)?.links[0] ?? '', { redirect: 'manual' })
    expect(answer.status).toBe(303)
    const fragment = new URLSearchParams(new URL(answer.headers.get('location') ?? '').hash.slice(1))
    expect(decodeJwt(fragment.get('access_token') ?? '')).toMatchObject({ email: 'google@example.com', aal: 'aal1' })
  })

  test('no account is made for a one-time link when the app forbids it', async () => {
    const { error } = await client().auth.signInWithOtp({
      email: 'stranger@example.com',
      options: { shouldCreateUser: false },
    })
    expect([error?.status, error?.code]).toEqual([422, 'otp_disabled'])
  })

  test('signing up runs the app’s trigger, and needs the mail to be confirmed', async () => {
    const supabase = client()
    const credentials = { email: 'new@example.com', password: 'a new secret' }
    const { data, error } = await supabase.auth.signUp({ ...credentials, options: { data: { full_name: 'New One' } } })
    expect([error, data.session]).toEqual([null, null])
    expect((await client().auth.signInWithPassword(credentials)).error?.code).toBe('email_not_confirmed')
    const token_hash = new URL(stack.mails().at(-1)?.links[0] ?? '').searchParams.get('token') ?? ''
    expect((await supabase.auth.verifyOtp({ token_hash, type: 'signup' })).error).toBeNull()
    expect((await supabase.from('profiles').select('full_name, email')).data).toEqual([
      { full_name: 'New One', email: 'new@example.com' },
    ])
    expect((await client().auth.signInWithPassword(credentials)).data.session).not.toBeNull()
  })

  test('the service key reads users, a user does not', async () => {
    const { data, error } = await client(stack.serviceKey).auth.admin.listUsers({ perPage: 2 })
    expect([error, data.users.length]).toEqual([null, 2])
    const { supabase, user } = await signedIn()
    expect((await client(stack.serviceKey).auth.admin.getUserById(user?.id ?? '')).data.user?.email).toBe(
      'ada@example.com',
    )
    expect((await supabase.auth.admin.listUsers()).error?.status).toBe(403)
  })

  test("a trigger that breaks logins is told in GoTrue's words", async () => {
    await using admin = await database.connect()
    await admin.query(`create function public.fail() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
      create trigger broken before insert on auth.sessions for each row execute function public.fail()`)
    const { error } = await client().auth.signInWithPassword({ email: 'ada@example.com', password: 'secret of ada' })
    expect([error?.status, error?.message]).toEqual([500, 'Database error granting user'])
    expect(stack.logs()).toContainEqual(expect.objectContaining({ source: 'auth', line: 'Auth failed: P0001: broken' }))
    await admin.query('drop trigger broken on auth.sessions')
  })

  test('a database without accounts answers 503 and says why', async () => {
    await using empty = await cluster.createDatabase('empty')
    await using bare = await startStack(empty)
    const answer = await fetch(`${bare.url}/auth/v1/settings`, { headers: { apikey: bare.anonKey } })
    expect(answer.status).toBe(503)
    expect(bare.failures().map(({ code, message }) => `${code}: ${message}`)).toEqual([
      expect.stringContaining('stack.start-failed: Auth cannot start'),
    ])
  })
})

describe('edge functions', () => {
  test('are invoked by the client, and use the stack with the service key', async () => {
    const { data, error } = await client().functions.invoke('classic', { body: { table: 'profiles' } })
    expect([error, data]).toEqual([null, { count: 6, error: null }])
  })

  test('send mail that the stack and the service key can read', async () => {
    const { supabase } = await signedIn()
    const { data } = await supabase.functions.invoke('mail', { body: { to: 'ada@example.com' } })
    const answer = await fetch(`${stack.url}/mailbox/mails`, { headers: { apikey: stack.serviceKey } })
    expect(await answer.json()).toContainEqual(
      expect.objectContaining({ id: data.id, source: 'resend', function: 'mail', to: ['ada@example.com'] }),
    )
    expect(stack.egress()).toEqual([])
  })
})

test('a stopped stack leaves no program, no session and no open address behind', async () => {
  await stack.stop()
  expect(started()).toBe(0)
  await using admin = await cluster.database('template1').connect()
  const { rows } = await admin.query('select count(*)::int as sessions from pg_stat_activity where datname = $1', [
    'stack',
  ])
  expect(rows).toEqual([{ sessions: 0 }])
  await expect(fetch(stack.url)).rejects.toThrow()
})
