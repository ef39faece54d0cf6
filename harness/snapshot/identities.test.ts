import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { administer, makeProject, migrate, plannerContracts, userId } from './access/test-project.ts'
import { type Identity, pickIdentities } from './identities.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 40 })
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
})
afterAll(() => cluster.stop())

describe('identities', () => {
  test('are the same for the same seed, spread over every tie, and carry no address in their label', async () => {
    const options = { contracts: plannerContracts, seed: 1, maxUsers: 12 }
    expect(await pickIdentities(before, options)).toEqual(identities)
    expect(await pickIdentities(before, { ...options, seed: 2 })).not.toEqual(identities)
    expect(identities).toHaveLength(14)
    expect(identities.map(({ label }) => label).join()).not.toContain('@')
    for (const tie of [
      'admin of an event',
      'editor of an event',
      'viewer of an event',
      'owner of an event (owner_id)',
    ]) {
      expect(identities.filter(({ label }) => label.includes(tie)).length, tie).toBeGreaterThanOrEqual(2)
    }
  })

  test('of every tie, claim, provider and state at least two, without any contract', async () => {
    await using odd = await before.clone('odd')
    await administer(
      odd,
      `create table public.invites (id int primary key, address_mail text);
       insert into public.invites select n, 'USER' || n || '@planner.example' from generate_series(36, 40) n;
       create table public.badges (holder uuid); insert into public.badges values ('${userId(3)}'), ('${userId(4)}');
       update auth.users set raw_app_meta_data = raw_app_meta_data || '{"role": "moderator"}' where id in ('${userId(5)}', '${userId(6)}');
       update auth.users set raw_user_meta_data = '{"role": "''; drop table auth.users; --\\"", "x": "''"}' where id = '${userId(8)}'`,
    )
    const picked = await pickIdentities(odd, { seed: 1, maxUsers: 26 })
    const having = (words: string) => picked.filter(({ label }) => label.includes(words)).length
    for (const words of [
      'invited in public.invites(address_mail)',
      'in public.badges(holder)',
      'with app_metadata.role=moderator',
      'owner of an event (owner_id)',
      'viewer of an event',
      'google',
      'unconfirmed',
    ]) {
      expect(having(words), words).toBeGreaterThanOrEqual(2)
    }
    expect(having('with user_metadata.role')).toBe(1)
    expect(picked.map(({ label }) => label).join()).not.toMatch(/drop|@/)
  })

  test('who is named in rows that the migrations insert is a kind of its own', async () => {
    await using after = await before.clone('after')
    await migrate(
      after,
      `insert into public.event_user_roles (event_id, user_id, role) select id, owner_id, 'owner' from public.events
         order by id limit 3 on conflict do nothing`,
    )
    for (const contracts of [plannerContracts, {}]) {
      const picked = await pickIdentities(before, { contracts, seed: 1, after, maxUsers: 20 })
      const made = picked.filter(({ label }) => label.includes('made owner of an event by the migrations'))
      expect(made.length).toBeGreaterThanOrEqual(2)
      expect(made[0]?.traits?.map(({ many }) => many)).toContain('users made owner of an event by the migrations')
    }
  })

  test('all means everyone', async () => {
    expect(await pickIdentities(before, { seed: 1, maxUsers: 'all' })).toHaveLength(42)
  })

  test('a dump without auth has anon and service_role', async () => {
    await using bare = await cluster.createDatabase('bare')
    expect((await pickIdentities(bare, { seed: 1 })).map(({ role }) => role)).toEqual(['anon', 'service_role'])
  })

  test('tables with odd names, values that are no roles, and users whose profile is gone', async () => {
    await using odd = await before.clone('odd')
    await administer(
      odd,
      `create table public."My ""Team""" (id int primary key, "User Id" uuid references auth.users, "Role" text);
       insert into public."My ""Team""" values (1, '${userId(1)}', 'boss'), (2, '${userId(2)}', 'x@y.z');
       delete from public.profiles where id in ('${userId(1)}', '${userId(2)}')`,
    )
    const labels = (await pickIdentities(odd, { seed: 1, maxUsers: 30 })).map(({ label }) => label)
    const having = (words: string) => labels.filter((label) => label.includes(words)).length
    expect(having('without a row in public.profiles')).toBeGreaterThanOrEqual(2)
    expect(having('in public."My ""Team"""("User Id")')).toBe(2)
    expect(labels.join()).not.toContain('@')
  })
})
