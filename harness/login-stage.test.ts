import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloner } from './clones.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { type LoginsOf, loginDifferences, loginsOn, logUsersIn } from './login-stage.ts'
import { preparePlatformSchemas } from './platform/prepare.ts'
import { administer, makeProject, plannerContracts, userId } from './snapshot/access/test-project.ts'
import { checkOfLogins } from './snapshot/logins/real/checks.ts'
import { pairsOf } from './snapshot/logins/real/compare.ts'
import type { SideLogins } from './snapshot/logins/real/outcome.ts'
import { type Picked, pickLogins } from './snapshot/logins/real/pick.ts'
import { takeRealLogins } from './snapshot/logins/real/take.ts'
import { startStack } from './stack/stack.ts'

const { signal } = new AbortController()
const clone = cloner()
const options = { contracts: plannerContracts, seed: 1, usersPerKind: 2 }
const canaries = [
  { email: 'user1@planner.example', password: 'correct horse' },
  { email: 'nobody@planner.example', password: 'wrong' },
]
let cluster: Cluster
let before: Database
let picked: Picked
let who: LoginsOf
let was: SideLogins

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 24 })
  await administer(
    before,
    `update auth.users set encrypted_password = extensions.crypt('correct horse', extensions.gen_salt('bf', 4)) where id = '${userId(1)}';
     update auth.users set is_sso_user = true where id = '${userId(4)}';
     update auth.users set deleted_at = now() where id = '${userId(8)}';
     update auth.users set email = null, is_anonymous = true where id in ('${userId(12)}', '${userId(14)}');`,
  )
  const all = await pickLogins(before, options)
  if (all === undefined) throw new Error('no users')
  picked = all
  who = { users: picked.users, canaries }
  was = await loginsOn(before, who, { clone, signal })
})
afterAll(() => cluster.stop())

/** The findings of a migration that the superuser runs, by really logging in. */
async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await administer(after, sql)
  const is = await loginsOn(after, who, { clone, signal })
  const findings = await loginDifferences({ before, after }, who, was, is)
  return { findings, check: checkOfLogins(picked, pairsOf(who.users, was, is), findings) }
}

const refuse = (when: string, then = "raise exception 'not %', new.id") => `
  create function public.refuse() returns trigger language plpgsql as $$ begin if ${when} then ${then}; end if; return new; end $$;
  create trigger refuse before update on auth.users for each row execute function public.refuse();`

describe('logging in for real, before', () => {
  const stateOf = (id: string) => {
    const outcome = was.users.get(id)
    return outcome?.state === 'refused' ? `${outcome.step}: ${outcome.code}` : outcome?.state
  }

  test('lets in who may get in, and refuses the others at their step', () => {
    expect(was.users.size).toBe(24)
    expect(stateOf(userId(1))).toBe('in')
    expect([stateOf(userId(3)), stateOf(userId(4)), stateOf(userId(8))]).toEqual([
      'verify: user_banned',
      'ask: otp_disabled',
      'ask: otp_disabled',
    ])
    expect(stateOf(userId(17))).toBe('in')
  })

  test('resumes the session of somebody without an address, and says who has no way in', () => {
    expect([stateOf(userId(12)), stateOf(userId(14))]).toEqual(['in', 'no way'])
  })

  test('says how many, and what could not be tried', () => {
    const check = checkOfLogins(picked, pairsOf(who.users, was, was), [])
    expect(check).toMatchObject({ status: 'passed', required: true, numbers: { usersLoggedIn: 20, usersInAll: 24 } })
    expect(check.summary).toMatch(/3 were refused alike before and after \(otp_disabled 2, user_banned 1\)/)
    expect(check.summary).toContain('1 has neither an address nor an open session')
  })
})

describe('a migration that takes a login away blocks', () => {
  test('a trigger that raises for one kind of users only', async () => {
    const { findings, check } = await rehearse(
      refuse(
        `new.raw_app_meta_data ->> 'provider' = 'google' and new.recovery_token is not distinct from old.recovery_token`,
      ),
    )
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual(
      Array(2).fill('auth.login-fails auth.users'),
    )
    expect(findings[0]?.title).toMatch(
      /^\d users of 24 .* following the one-time link is refused \(unexpected_failure\)\.$/,
    )
    expect(findings[1]?.title).toMatch(/^1 user of 24 .* their open session cannot be refreshed/)
    expect(findings[0]?.evidence[0]).toMatch(/^Kinds of users: google/)
    expect(findings[0]?.evidence).toContain('Postgres refused what Auth wrote with SQLSTATE P0001.')
    expect(check.status).toBe('failed')
    expect(JSON.stringify(findings)).not.toContain('@')
  })

  test.each([
    ['an address in capitals', `update auth.users set email = upper(email) where id = '${userId(5)}'`, 'otp_disabled'],
    [
      'a new ban',
      `update auth.users set banned_until = now() + interval '1 day' where id = '${userId(5)}'`,
      'user_banned',
    ],
    ['a new single sign-on', `update auth.users set is_sso_user = true where id = '${userId(5)}'`, 'otp_disabled'],
    [
      'sessions that the Auth server may not write',
      'alter table auth.sessions owner to postgres; revoke all on auth.sessions from supabase_auth_admin',
      'unexpected_failure',
    ],
  ])('%s', async (_, sql, code) => {
    const { findings } = await rehearse(sql)
    expect(findings.map(({ kind }) => kind)).toContain('auth.login-fails')
    expect(findings.map(({ title }) => title).join()).toContain(`(${code})`)
  })

  test('a canary whose password is changed, told by its number', async () => {
    const { findings } = await rehearse(`update auth.users set encrypted_password = '' where id = '${userId(1)}'`)
    expect(findings).toMatchObject([
      {
        kind: 'auth.login-fails',
        title: 'Canary 1 cannot log in any more: the password is refused (invalid_credentials).',
      },
    ])
  })
})

describe('what else a login shows', () => {
  test('a policy that hides the own row is rows lost to users', async () => {
    const { findings, check } = await rehearse(
      `alter policy "own profile" on public.profiles using (id = auth.uid() and full_name = 'x')`,
    )
    expect(findings).toMatchObject([{ kind: 'access.rows-lost', object: 'public.profiles', role: 'authenticated' }])
    expect(findings[0]?.title).toMatch(/^\d+ users who were logged in for real cannot read their own row/)
    expect(check.status).toBe('passed')
  })

  test('a claim changed through app_metadata is named, its value is not', async () => {
    const { findings } = await rehearse(
      `update auth.users set raw_app_meta_data = raw_app_meta_data || '{"plan": "secret"}' where id = '${userId(5)}'`,
    )
    expect(findings).toMatchObject([{ kind: 'auth.claims-changed', object: 'auth.users', columns: ['app_metadata'] }])
    expect(findings[0]?.evidence[0]).toBe('Claims that differ: app_metadata.plan.')
    expect(JSON.stringify(findings)).not.toContain('secret')
  })

  test('somebody banned who gets in blocks', async () => {
    const { findings } = await rehearse(`update auth.users set banned_until = null where id = '${userId(3)}'`)
    expect(findings).toMatchObject([
      { kind: 'auth.login-gained', evidence: [expect.any(String), `User ids: ${userId(3)}`] },
    ])
    expect(findings[0]?.severity).toBeUndefined()
  })

  test('somebody who is refused in another way is a warning', async () => {
    const { findings } = await rehearse(refuse('new.banned_until is not null'))
    expect(findings).toMatchObject([{ kind: 'auth.login-fails', severity: 'warning' }])
  })
})

test('nothing is found where nothing changes for a login: near misses, all at once', async () => {
  const { findings, check } = await rehearse(`
    ${refuse(`new.raw_app_meta_data ->> 'provider' = 'google'`, `new.raw_user_meta_data := new.raw_user_meta_data`)}
    update auth.users set email = lower(email), banned_until = banned_until + interval '1 day';
    update auth.users set raw_app_meta_data = '{}' || raw_app_meta_data;
    update auth.users set encrypted_password = '' where id = '${userId(2)}';
    alter policy "own profile" on public.profiles using ((select auth.uid()) = id);
    alter table public.profiles rename constraint profiles_pkey to profiles_key;
    delete from public.profiles where id = '${userId(6)}';
    insert into auth.users (id, email, aud, role) values (gen_random_uuid(), 'new@planner.example', 'authenticated', 'authenticated');`)
  expect(findings).toEqual([])
  expect(check.status).toBe('passed')
})

describe('whom to log in', () => {
  test('is everybody up to 500, or so many of every kind, and the same again for a seed', async () => {
    const few = await pickLogins(before, { ...options, logins: 6 })
    expect(few?.users).toHaveLength(6)
    expect(new Set(few?.users.map(({ kind }) => kind)).size).toBe(6)
    expect(await pickLogins(before, { ...options, logins: 6 })).toEqual(few)
    expect((await pickLogins(before, { ...options, logins: 'all' }))?.users).toHaveLength(24)
    expect((await pickLogins(before, { ...options, contracts: {} }))?.users[0]?.own?.table).toBeDefined()
  })

  test('an odd table and odd names are no trouble', async () => {
    await using odd = await before.clone('odd')
    await administer(
      odd,
      `create table public."My ""table, x" ("user, id" uuid references auth.users, primary key ("user, id"));
       grant select on public."My ""table, x" to authenticated;
       insert into public."My ""table, x" select id from auth.users;
       drop table public.profiles cascade; drop table auth.identities`,
    )
    const one = await pickLogins(odd, { ...options, logins: 2 })
    expect(one?.users.map(({ own }) => own?.table)).toEqual(['My "table, x', 'My "table, x'])
  })
})

describe('the checks say what was not looked at', () => {
  const inputs = { canaries, options: { seed: 1, config: {} } } as unknown as Parameters<typeof logUsersIn>[1]

  test('a canary that cannot log in before: not run, named by its number, and no finding', async () => {
    const few = { ...inputs, options: { ...inputs.options, logins: 1 } }
    const { evidence } = await logUsersIn({ before, after: before }, few, { clone, signal })
    expect(evidence.findings).toEqual([])
    const check = evidence.checks.find(({ id }) => id === 'logins.canaries')
    expect(check).toMatchObject({ status: 'not run', required: true })
    expect(check?.reason).toMatch(/canary 2 \(the password is refused \(invalid_credentials\)\)/)
    expect(JSON.stringify(evidence)).not.toContain('@planner')
  })

  test('a Data API that breaks off while somebody reads the own row', async () => {
    await using database = await clone(before)
    await using stack = await startStack(database, { signal })
    const server = createServer(async (request, response) => {
      if (request.url?.startsWith('/rest/')) {
        response.writeHead(502, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ code: 'stack.failed', message: 'The part behind it broke off' }))
        return
      }
      const { method = 'GET', url, headers } = request
      const body = method === 'GET' ? {} : { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' as const }
      const answer = await fetch(`${stack.url}${url}`, { method, headers: headers as Record<string, string>, ...body })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const users = picked.users.filter(({ id }) => id === userId(1))
      expect(users[0]?.own).toBeDefined()
      await expect(takeRealLogins({ ...stack, url }, { users, canaries: [] })).rejects.toMatchObject({
        code: 'stack.start-failed',
        message: expect.stringContaining('broke off'),
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test('a dump without auth, and one whose Auth cannot start', async () => {
    await using bare = await cluster.createDatabase('bare')
    const { evidence } = await logUsersIn({ before: bare, after: bare }, inputs, { clone, signal })
    expect(evidence.checks.map(({ id, status, required }) => `${id} ${status} ${required}`)).toEqual([
      'logins.real not run true',
      'logins.canaries not run true',
      'logins.not-tried not run false',
    ])
    await using gone = await before.clone('gone')
    await administer(gone, 'drop schema auth cascade')
    const ended = await logUsersIn({ before, after: gone }, inputs, { clone, signal })
    expect(ended.evidence.checks[0]).toMatchObject({ status: 'not run', reason: expect.stringContaining('Auth') })
  })
})
