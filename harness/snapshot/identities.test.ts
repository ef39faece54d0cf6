import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { makeProject, plannerContracts } from './access/test-project.ts'
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
  test('are the same for the same seed, two of each kind at most, and carry no address in their label', async () => {
    const options = { contracts: plannerContracts, seed: 1, maxUsers: 12 }
    expect(await pickIdentities(before, options)).toEqual(identities)
    expect(await pickIdentities(before, { ...options, seed: 2 })).not.toEqual(identities)
    const kinds = Map.groupBy(await pickIdentities(before, { ...options, maxUsers: 60 }), ({ kind }) => kind)
    expect(Math.max(...[...kinds.values()].map(({ length }) => length))).toBe(2)
    expect(identities.map(({ label }) => label).join()).not.toContain('@')
    const roles = ['admin', 'editor', 'viewer'].filter((role) => identities.some(({ label }) => label.startsWith(role)))
    expect(roles).toEqual(['admin', 'editor', 'viewer'])
  })

  test('without a contract users are told apart by the tables that point at them', async () => {
    const picked = await pickIdentities(before, { seed: 1 })
    expect(picked.some(({ label }) => label.includes('in event_user_roles(user_id)'))).toBe(true)
  })

  test('a dump without auth has anon and service_role', async () => {
    await using bare = await cluster.createDatabase('bare')
    expect((await pickIdentities(bare, { seed: 1 })).map(({ role }) => role)).toEqual(['anon', 'service_role'])
  })
})
