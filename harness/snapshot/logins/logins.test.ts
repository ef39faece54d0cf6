import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, userId } from '../access/test-project.ts'
import { type AuthWrites, probeAuthWrites } from './auth-writes.ts'
import { compareLogins } from './compare.ts'
import { compareAuthWrites } from './compare-auth-writes.ts'
import type { LoginFacts } from './facts.ts'
import { isAcceptedHash } from './password-hash.ts'
import { takeLogins } from './take.ts'

let cluster: Cluster
let before: Database
let facts: LoginFacts
let writes: AuthWrites

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 40 })
  await administer(
    before,
    `insert into auth.mfa_factors (id, user_id, factor_type, status, secret, created_at, updated_at)
     values (gen_random_uuid(), '${userId(5)}', 'totp', 'verified', 'secret', now(), now()),
       (gen_random_uuid(), '${userId(6)}', 'totp', 'unverified', 'secret', now(), now());
     update auth.users set banned_until = now() - interval '1 day' where id = '${userId(4)}'`,
  )
  facts = await takeLogins(before)
  await using clone = await before.clone('clone_1')
  writes = await probeAuthWrites(clone)
})
afterAll(() => cluster.stop())

/** Findings and checks of a migration that the superuser runs. */
async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await administer(after, sql)
  const read = compareLogins(facts, await takeLogins(after))
  const written = compareAuthWrites(writes, await probeAuthWrites(after))
  return {
    findings: [...read.findings, ...written.findings],
    checks: [...read.checks, ...written.checks].map(({ id, status }) => `${id} ${status}`),
  }
}

describe('logins', () => {
  test('nothing is found where nothing changed, and every user was read', async () => {
    const { findings, checks } = await rehearse('select 1')
    expect(findings).toEqual([])
    expect(checks).toEqual(['logins.users-read passed', 'logins.sign-up passed'])
  })

  test('the rows that one sign-up makes are counted without those of the tries before it', () => {
    if (writes.state !== 'tried') throw new Error(writes.reason)
    expect(writes.signUps.length).toBeGreaterThan(1)
    for (const { as, outcome } of writes.signUps) {
      // Two of them in one try: a constant in a unique column lets one in, and nobody after.
      const rows = as === 'the next new user' ? 2 : 1
      expect(outcome).toEqual({ state: 'written', rowsByTable: { 'public.profiles': rows } })
    }
  })

  test.each([
    ['a deleted user', `delete from auth.users where id = '${userId(35)}'`, 'auth.user-lost'],
    [
      'an emptied password',
      `update auth.users set encrypted_password = '' where id = '${userId(5)}'`,
      'auth.password-changed',
    ],
    [
      'a password of somebody else',
      `update auth.users set encrypted_password = 'x' where id = '${userId(5)}'`,
      'auth.password-changed',
    ],
    ['a deleted identity', `delete from auth.identities where user_id = '${userId(6)}'`, 'auth.identity-lost'],
    [
      'an identity given to another user',
      `update auth.identities set user_id = '${userId(8)}' where user_id = '${userId(6)}'`,
      'auth.identity-lost',
    ],
    [
      'a confirmation taken back',
      `update auth.users set email_confirmed_at = null where id = '${userId(5)}'`,
      'auth.login-fails',
    ],
    [
      'a new ban',
      `update auth.users set banned_until = now() + interval '1 day' where id = '${userId(5)}'`,
      'auth.login-fails',
    ],
    [
      'an address in capitals',
      `update auth.users set email = upper(email) where id = '${userId(5)}'`,
      'auth.login-fails',
    ],
    ['another audience', `update auth.users set aud = '' where id = '${userId(5)}'`, 'auth.login-fails'],
    [
      'a session of another user',
      `update auth.sessions set user_id = '${userId(8)}' where user_id = '${userId(1)}'`,
      'auth.login-fails',
    ],
    [
      'a refresh token given to another user',
      `update auth.refresh_tokens set user_id = '${userId(8)}' where user_id = '${userId(1)}'`,
      'auth.login-fails',
    ],
    [
      "a refresh token moved to another user's session",
      `update auth.refresh_tokens set session_id = (select id from auth.sessions where user_id = '${userId(2)}') where user_id = '${userId(1)}'`,
      'auth.login-fails',
    ],
    [
      'a hash of broken form',
      `update auth.users set encrypted_password = left(encrypted_password, 40) where id = '${userId(5)}'`,
      'auth.password-changed',
    ],
    [
      'NULL in a token that Auth reads as text',
      `update auth.users set recovery_token = null where id = '${userId(5)}'`,
      'auth.login-fails',
    ],
    ['a lifted ban', `update auth.users set banned_until = null where id = '${userId(3)}'`, 'auth.login-gained'],
    [
      'a claim of the app in the metadata',
      `update auth.users set raw_app_meta_data = raw_app_meta_data || '{"admin": true}' where id = '${userId(5)}'`,
      'auth.claims-changed',
    ],
    ["a verified second factor's secret", `update auth.mfa_factors set secret = 'other'`, 'auth.login-fails'],
    ['a dropped sign-up trigger', 'drop trigger on_auth_user_created on auth.users', 'auth.signup-fails'],
    [
      'a sign-up trigger that names a lost column',
      'alter table public.profiles rename column full_name to name',
      'auth.signup-fails',
    ],
    [
      'a unique column whose default is the same for all',
      `alter table public.profiles add column handle text not null default '';
       update public.profiles set handle = id::text; create unique index handles on public.profiles (handle)`,
      'auth.signup-fails',
    ],
    [
      'a trigger that refuses what a login writes',
      `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
       create trigger refuse before update on auth.users for each row execute function public.refuse()`,
      'auth.login-fails',
    ],
    [
      'a sign-up trigger that refuses Google users',
      `create function public.refuse() returns trigger language plpgsql as $$ begin
         if new.raw_app_meta_data ->> 'provider' = 'google' then raise exception 'no'; end if; return new; end $$;
       create trigger refuse before insert on auth.users for each row execute function public.refuse()`,
      'auth.signup-fails',
    ],
    [
      'a trigger that swallows what a login writes',
      `create function public.swallow() returns trigger language plpgsql as $$ begin return null; end $$;
       create trigger swallow before update on auth.users for each row execute function public.swallow()`,
      'auth.login-fails',
    ],
    [
      'a trigger that every login waits for',
      `create function public.wait() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$;
       create trigger wait after insert on auth.sessions for each row execute function public.wait()`,
      'query.slower',
    ],
    [
      'a privilege taken from the Auth server',
      'revoke insert on auth.sessions from supabase_auth_admin; alter table auth.sessions owner to postgres',
      'auth.login-fails',
    ],
  ])('%s blocks', async (_, sql, kind) => {
    const { findings } = await rehearse(`${sql};`)
    expect(findings.map((finding) => finding.kind)).toContain(kind)
    expect(JSON.stringify(findings)).not.toContain('@')
  })

  test('titles count the users, and evidence names their ids', async () => {
    const { findings, checks } = await rehearse(
      `update auth.users set encrypted_password = '' where encrypted_password <> ''`,
    )
    expect(findings).toMatchObject([{ kind: 'auth.password-changed', title: '27 users have no password any more.' }])
    expect(findings[0]?.evidence[0]).toMatch(/… and 7 more$/)
    expect(checks[0]).toBe('logins.users-read failed')
  })

  test.each([
    ['a login', 'update auth.users set last_sign_in_at = now(), updated_at = now()'],
    ['an address put into lower case', 'update auth.users set email = lower(email)'],
    [
      'no metadata instead of an empty one',
      `update auth.users set raw_app_meta_data = null where raw_app_meta_data = '{}'`,
    ],
    [
      'a refresh token moved to another session of its user',
      `insert into auth.sessions (id, user_id) select '${userId(99)}', '${userId(1)}';
       update auth.refresh_tokens set session_id = '${userId(99)}' where user_id = '${userId(1)}'`,
    ],
    ['a token emptied that was empty', `update auth.users set recovery_token = '' where recovery_token = ''`],
    ['a ban that is over, taken away', `update auth.users set banned_until = null where banned_until < now()`],
    ['an unverified second factor taken away', `delete from auth.mfa_factors where status = 'unverified'`],
    ['a password written over by itself', 'update auth.users set encrypted_password = encrypted_password || $$$$'],
    ['an identity that was used', 'update auth.identities set last_sign_in_at = now(), updated_at = now()'],
    ['a new user', `insert into auth.users (id, email) values (gen_random_uuid(), 'new@planner.example')`],
    [
      'a sign-up trigger under another name',
      'alter trigger on_auth_user_created on auth.users rename to make_profile; alter function public.handle_new_user() rename to make_profile',
    ],
    [
      'a sign-up trigger that tells Google users apart and refuses none',
      `create function public.tell() returns trigger language plpgsql as $$ begin
         if new.raw_app_meta_data ->> 'provider' = 'google' then new.raw_user_meta_data := new.raw_user_meta_data || '{"via": "google"}'; end if;
         return new; end $$;
       create trigger tell before insert on auth.users for each row execute function public.tell()`,
    ],
    [
      'a unique column whose default is another for each',
      'alter table public.profiles add column handle uuid not null unique default gen_random_uuid()',
    ],
    ['a revoked old token', "insert into auth.refresh_tokens (token, revoked) values ('old', true)"],
  ])('%s is no finding', async (_, sql) => {
    expect((await rehearse(sql)).findings).toEqual([])
  })

  test('other user metadata is a warning', async () => {
    const { findings } = await rehearse(`update auth.users set raw_user_meta_data = '{}' where id = '${userId(5)}'`)
    expect(findings).toMatchObject([
      { kind: 'auth.claims-changed', columns: ['user_metadata'], severity: 'warning', title: /^1 user / },
    ])
  })

  test('another address in an identity is a warning', async () => {
    const { findings } = await rehearse(
      `update auth.identities set identity_data = '{"email": "other@planner.example"}' where user_id = '${userId(5)}'`,
    )
    expect(findings).toMatchObject([{ kind: 'auth.login-fails', object: 'auth.identities', severity: 'warning' }])
  })

  test('what is wrong on both sides is said, and blocks nothing', async () => {
    await using odd = await before.clone('odd')
    await administer(
      odd,
      `update auth.users set encrypted_password = '$2a$03$' || substr(encrypted_password, 8) where id = '${userId(5)}';
       update auth.users set email_change = null where id = '${userId(6)}'`,
    )
    const same = await takeLogins(odd)
    const { findings, checks } = compareLogins(same, same)
    expect(findings).toEqual([])
    expect(checks[0]?.summary).toMatch(/ 1 have a password hash that Auth cannot read, before and after. 1 have NULL/)
  })

  test.each([
    ['bcrypt 2a', `$2a$10$${'a'.repeat(53)}`, true],
    ['bcrypt 2b of cost 4', `$2b$04$${'a'.repeat(53)}`, true],
    ['bcrypt 2y of cost 31', `$2y$31$${'a'.repeat(53)}`, true],
    ['bcrypt of cost 3', `$2a$03$${'a'.repeat(53)}`, false],
    ['bcrypt of cost 32', `$2a$32$${'a'.repeat(53)}`, false],
    ['bcrypt cut off', `$2a$10$${'a'.repeat(52)}`, false],
    ['Argon2id', '$argon2id$v=19$m=16,t=2,p=1$bzVvbGlwZnc$cmFuZG9t', true],
    ['Argon2d', '$argon2d$v=19$m=16,t=2,p=1$bzVvbGlwZnc$cmFuZG9t', false],
    ["Firebase's scrypt", '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9$C0sHCg$KVzJRA', true],
    ['MD5', 'd41d8cd98f00b204e9800998ecf8427e', false],
  ])('%s is a hash that Auth reads: %s %s', async (_, hash, accepted) => {
    await using session = await before.connect()
    const { rows } = await session.query(`select ${isAcceptedHash('$1::text')} as accepted`, [hash])
    expect(rows).toEqual([{ accepted }])
  })

  test('a dump without auth is not run, with the reason', async () => {
    await using bare = await cluster.createDatabase('bare')
    const none = await takeLogins(bare)
    expect(compareLogins(none, none).checks).toMatchObject([{ status: 'not run', reason: expect.any(String) }])
    const untried = await probeAuthWrites(bare)
    expect(compareAuthWrites(untried, untried).checks).toMatchObject([{ status: 'not run' }])
  })
})
