import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Mailing } from '../../model/people-sql.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, plannerContracts } from '../access/test-project.ts'
import { compareRecipients } from './compare.ts'
import { takeRecipients } from './take.ts'

/** Recipients of mails about 10,000 events, some 53,000 memberships, compared; with nothing changed, and with all changed: under 20 s. */
let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 13_334 })
}, 300_000)
afterAll(() => cluster.stop())

test.for([
  ['nothing changed', 'select 1'],
  ['every address changed', `update public.profiles set email = 'x' || email`],
] as const)('%s', { timeout: 300_000 }, async ([name, sql]) => {
  const after = await before.clone(name.replaceAll(' ', '_'))
  await administer(after, sql)
  const { resource, membership } = plannerContracts
  if (resource === undefined || membership === undefined) throw new Error('the planner has no events')
  const mailing: Mailing = { resource, membership, profile: { table: 'public.profiles', user: 'id', email: 'email' } }
  const started = performance.now()
  const { checks } = compareRecipients(await takeRecipients(before, after, mailing), mailing)
  const took = performance.now() - started
  console.log(`${name}: ${Math.round(took)} ms. ${checks[0]?.summary}`)
  expect(checks[0]?.numbers?.resourcesBefore).toBeGreaterThanOrEqual(10_000)
  expect(took).toBeLessThan(20_000)
})
