import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { pickIdentities } from '../../identities.ts'
import { takeAccess } from '../take.ts'
import { administer } from '../test-project.ts'
import { takeEveryone } from './take.ts'
import { randomPolicies, teamsSql } from './test-policies.ts'

test('random policies show all users what row security shows each of them, or are refused', async () => {
  await using cluster = await startTestCluster()
  const database = await cluster.createDatabase('teams')
  await preparePlatformSchemas(database)
  await administer(database, `set role postgres; ${teamsSql.split('insert into auth.users')[0]}`)
  await administer(database, `insert into auth.users${teamsSql.split('insert into auth.users')[1]}`)
  const identities = await pickIdentities(database, { seed: 1, maxUsers: 'all' })
  const only = new Set(['public.items'])
  const reasons = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(randomPolicies, async (sql) => {
      await administer(database, `set role postgres; ${sql}`)
      const facts = await takeAccess(database, identities, { only, jobs: 1 })
      const { tables, users } = await takeEveryone({ before: database, after: database, was: facts, is: facts })
      expect(users).toBe(9)
      const [items] = tables
      expect(Object.values(items?.refused ?? {}).filter((reason) => reason.includes('differs'))).toEqual([])
      expect(items?.changes).toEqual([])
      const said = items?.refused.seen ?? 'told'
      reasons.set(said, (reasons.get(said) ?? 0) + 1)
    }),
    {
      numRuns: Number(process.env.GREENLIGHT_RUNS ?? 30),
      seed: Number(process.env.GREENLIGHT_SEED ?? 7),
      endOnFailure: true,
    },
  )
  expect(reasons.get('told') ?? 0, JSON.stringify([...reasons])).toBeGreaterThan(20)
}, 600_000)
