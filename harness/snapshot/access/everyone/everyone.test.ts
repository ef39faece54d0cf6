import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../../database/engine.ts'
import { startTestCluster } from '../../../database/test-cluster.ts'
import type { Finding } from '../../../model/finding.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { pickIdentities } from '../../identities.ts'
import { compareAccess } from '../compare.ts'
import { takeAccessDifferences } from '../differences.ts'
import type { AccessFacts } from '../facts.ts'
import { takeAccess } from '../take.ts'
import { makeProject, migrate, plannerContracts, userId } from '../test-project.ts'
import { takeEveryone } from './take.ts'
import { confirmed, tellEveryone } from './tell.ts'
import { askWitnesses } from './witnesses.ts'

let cluster: Cluster
let before: Database
let sampled: AccessFacts

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 60 })
  const identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 5 })
  sampled = await takeAccess(before, identities)
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const now = await takeAccess(after, sampled.identities, { like: sampled })
  const sides = { before, after, was: sampled, is: now }
  const all = await takeEveryone(sides)
  const { was, is } = await askWitnesses(sides, all)
  const differences = await takeAccessDifferences({ database: before, facts: was }, { database: after, facts: is })
  const everyone = confirmed(all, differences)
  return { everyone, ...tellEveryone(compareAccess(was, is, differences), everyone, sampled.identities.length - 2) }
}

/** `kind object: title` of the findings that block by themselves. */
function blocking(findings: readonly Finding[]): string[] {
  expect(JSON.stringify(findings)).not.toMatch(/@|Somebody|Message \d/)
  return findings.filter(({ severity }) => severity === undefined).map(({ kind, title }) => `${kind}: ${title}`)
}

/** A user whom nobody sampled. */
function unsampled(): string {
  const ids = Array.from({ length: 60 }, (_, n) => userId(n + 1))
  return ids.find((id) => sampled.identities.every(({ userId: asked }) => asked !== id)) ?? ''
}

describe('all users at once', () => {
  test('agree with the sampled users at every table, and a rewritten set of policies shows who gained', async () => {
    const migration = new URL('../../../../fixtures/planner/migrations/204_update_rls_policies.sql', import.meta.url)
    const { everyone, findings, checks } = await rehearse(await readFile(migration, 'utf8'))
    expect(everyone.users).toBe(60)
    expect(everyone.tables.filter(({ refused }) => Object.keys(refused).length > 0)).toEqual([])
    expect(blocking(findings)).toEqual([
      'access.rows-gained: Authenticated users gained 59 rows of public.profiles (60 of all 60 users).',
    ])
    expect(checks).toContainEqual(
      expect.objectContaining({
        id: 'access.everyone',
        status: 'failed',
        summary: 'Compared for all 60 users at 13 of 13 tables and views.',
      }),
    )
  })

  test('one user whom nobody sampled and who sees more is found', async () => {
    const { findings } = await rehearse(
      `alter policy "own profile" on public.profiles using (id = (select auth.uid()) or (select auth.uid()) = '${unsampled()}')`,
    )
    expect(blocking(findings)).toEqual([
      'access.rows-gained: Authenticated users gained 58 rows of public.profiles (1 of all 60 users).',
    ])
  })

  test('one user whom nobody sampled and who sees less is found, and can do less', async () => {
    const { findings } = await rehearse(
      `create policy "not him" on public.chat_messages as restrictive to authenticated using ((select auth.uid()) is distinct from '${unsampled()}')`,
    )
    expect(blocking(findings)).toEqual([
      expect.stringMatching(/^access.rows-lost: .*public.chat_messages \(1 of all 60 users\)\.$/),
    ])
  })

  test('a policy on the user alone that nobody newly meets is silent', async () => {
    const { findings } = await rehearse(
      `alter policy "own profile" on public.profiles using (id = (select auth.uid()) or (select auth.uid()) = '${userId(999)}')`,
    )
    expect(blocking(findings)).toEqual([])
  })
})
