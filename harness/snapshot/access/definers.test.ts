import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { lookAtDefiners } from './look-at-definers.ts'
import { makeProject, migrate, plannerContracts } from './test-project.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 40 })
  await migrate(
    before,
    `${define('all_codes', 'setof public.access_codes', 'select * from public.access_codes')};
     revoke execute on function public.all_codes() from public, anon, authenticated`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
})
afterAll(() => cluster.stop())

function define(name: string, returns: string, body: string, more = 'security definer'): string {
  return `create function public.${name}() returns ${returns} language sql stable ${more} set search_path = '' as $$ ${body} $$`
}

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const { findings, checks } = await lookAtDefiners(before, after, identities)
  expect(JSON.stringify(findings)).not.toMatch(/@|CODE\d|Somebody/)
  expect(checks).toMatchObject([{ id: 'access.functions', required: true }])
  return findings.map(({ kind, object, role, severity }) => `${severity ?? 'blocking'} ${kind} ${object} ${role}`)
}

const leak = (severity: string, name: string, ...roles: string[]) =>
  roles.map((role) => `${severity} access.rows-gained public.${name} ${role}`)

const harmful = [
  [
    'a new function',
    define('emails', 'setof text', 'select email from auth.users'),
    leak('blocking', 'emails', 'anon', 'authenticated'),
  ],
  [
    'a grant on one that was internal',
    'grant execute on function public.all_codes() to anon',
    leak('blocking', 'all_codes', 'anon'),
  ],
  [
    'owner’s rights for a function that had the caller’s',
    `${define('people', 'setof public.profiles', 'select * from public.profiles', '')};
     revoke execute on function public.people() from public, anon; grant execute on function public.people() to authenticated; alter function public.people() security definer`,
    leak('blocking', 'people', 'authenticated'),
  ],
] as const

test(`hidden rows shown by a function block: ${harmful.map(([name]) => name).join(', ')}`, async () => {
  const found = await rehearse(harmful.map(([, sql]) => sql).join(';\n'))
  expect(found).toEqual(harmful.flatMap(([, , expected]) => expected).toSorted())
})

const harmless = [
  [
    'one’s own profile',
    define('me', 'jsonb', 'select to_jsonb(p) from public.profiles p where id = (select auth.uid())'),
  ],
  ['what the policies show anyway', define('vendor_names', 'setof text', 'select name from public.vendors')],
  [
    'a function with the caller’s rights',
    define('people', 'setof public.profiles', 'select * from public.profiles', ''),
  ],
  [
    'one that no request may call',
    `${define('emails', 'setof text', 'select email from auth.users')}; revoke execute on function public.emails() from public, anon, authenticated`,
  ],
  ['a value that reads no table', define('app_version', 'text', `select '2.0'`)],
] as const

// Each is called in the session in which the others read their tables: that is not laid at its door.
test(`is no finding: nothing, ${harmless.map(([name]) => name).join(', ')}`, async () => {
  expect(await rehearse('select 1')).toEqual([])
  expect(await rehearse(harmless.map(([, sql]) => sql).join(';\n'))).toEqual([])
})

test('what needs arguments, or tells every user one number, is said and does not block', async () => {
  const byWord = `create function public.people_like(word text) returns setof text language sql security definer set search_path = ''
    as $$ select email from auth.users where email like word $$`
  expect(await rehearse(byWord)).toEqual(leak('warning', 'people_like', 'anon', 'authenticated'))
  const count = `${define('user_count', 'bigint', 'select count(*) from auth.users')}; revoke execute on function public.user_count() from public, anon; grant execute on function public.user_count() to authenticated`
  expect(await rehearse(count)).toEqual(leak('warning', 'user_count', 'authenticated'))
})
