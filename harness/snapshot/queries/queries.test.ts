import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, plannerContracts } from '../access/test-project.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { compareQueries } from './compare.ts'
import { costlier, judge, type Measured, slower } from './judge.ts'
import { median, ratioInterval } from './statistics.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 60 })
  // Wide and long enough that reading all of it costs more than a hundred blocks, behind a cheap policy.
  await administer(
    before,
    `create table public.logs (id bigint primary key, user_id uuid, body text);
     insert into public.logs select n, (select id from auth.users order by id limit 1 offset n % 60), repeat('x', 400) from generate_series(1, 6000) n;
     create index logs_user_idx on public.logs (user_id);
     alter table public.logs enable row level security;
     create policy own on public.logs for select to authenticated using (user_id = (select auth.uid()));
     grant select on public.logs to authenticated, service_role`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 8 })
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using one = await before.clone('clone_1')
  await using two = await before.clone('clone_2')
  await administer(two, sql)
  return await compareQueries(one, two, identities, { seed: 1 })
}

describe('queries on both sides', () => {
  test('an index that is gone makes a read costlier', async () => {
    const { findings, checks } = await rehearse('drop index public.logs_user_idx')
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toContain('query.costlier public.logs')
    expect(findings[0]?.title).toMatch(/^Reading public\.logs with .* touches \d+ blocks instead of \d+\.$/)
    expect(checks).toMatchObject([{ status: 'failed', required: true }])
  })

  test('a function in a policy that takes its time makes reads slower', async () => {
    const { findings } = await rehearse(
      `create function public.slow() returns boolean language plpgsql stable as $$ begin perform pg_sleep(0.005); return true; end $$;
       alter policy own on public.logs using (user_id = (select auth.uid()) and (select public.slow()))`,
    )
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual(['query.slower public.logs'])
  })

  test.each([
    ['a renamed index', 'alter index public.logs_user_idx rename to logs_by_user'],
    ['another index', 'create index on public.logs (user_id, id)'],
    ['a new table', 'create table public.more (id int primary key)'],
    ['a table that is gone', 'drop table public.notification_log'],
  ])('%s is no finding', async (_, sql) => {
    const { findings, checks } = await rehearse(sql)
    expect(findings).toEqual([])
    expect(checks).toMatchObject([{ id: 'performance.queries', status: 'passed' }])
  })

  test('the same database compared with itself 20 times gives no finding', async () => {
    await using one = await cluster.createDatabase('small')
    await preparePlatformSchemas(one)
    await makeProject(one, { users: 15 })
    await using two = await one.clone('small_2')
    const few = (await pickIdentities(one, { seed: 1, maxUsers: 2 })).slice(1)
    for (let seed = 1; seed <= 20; seed += 1) {
      const { findings, checks } = await compareQueries(one, two, few, { seed })
      expect(findings).toEqual([])
      expect(checks[0]?.numbers?.blocksBefore).toBe(checks[0]?.numbers?.blocksAfter)
      expect(checks[0]?.numbers?.queries).toBeGreaterThan(50)
    }
  }, 180_000)
})

describe('what counts as worse', () => {
  const run = (blocks: number, rows = 10, milliseconds = 1) => ({ state: 'done', blocks, rows, milliseconds }) as const
  const query = (part: Partial<Measured>): Measured => ({
    relation: 'public.tasks',
    shape: `.eq('id', …)`,
    by: 'viewer',
    before: run(100),
    after: run(100),
    times: [],
    ...part,
  })
  const times = (before: readonly number[], ratio: number) => before.map((ms) => ({ before: ms, after: ms * ratio }))

  test('more blocks count from a fifth and a hundred on', () => {
    expect(costlier(query({ before: run(1_000), after: run(1_201) }))).toMatchObject({ moreRows: false })
    expect(costlier(query({ before: run(1_000), after: run(1_199) }))).toBeUndefined()
    expect(costlier(query({ before: run(10), after: run(110) }))).toBeUndefined()
  })

  test('more rows for more blocks are no loss; more blocks for each row are a warning', () => {
    expect(costlier(query({ before: run(300, 10), after: run(3_000, 100) }))).toBeUndefined()
    const { findings } = judge([query({ before: run(300, 10), after: run(30_000, 100) })], 1)
    expect(findings).toMatchObject([{ kind: 'query.costlier', severity: 'warning' }])
  })

  test('times count only when the whole interval lies above 1.2 and the medians differ by a millisecond', () => {
    const steady = [10, 10.2, 9.9, 10.1, 10]
    expect(slower(query({ times: times(steady, 1.5) }), 1)).toBe(true)
    expect(slower(query({ times: times(steady, 1.1) }), 1)).toBe(false)
    expect(slower(query({ times: times([0.1, 0.1, 0.1, 0.1, 0.1], 3) }), 1)).toBe(false)
    const noisy = [5, 30, 8, 12, 25].map((before, index) => ({ before, after: [20, 9, 31, 10, 14][index] ?? 0 }))
    expect(slower(query({ times: noisy }), 1)).toBe(false)
    const disturbed = [10, 10, 10, 10, 10].map((before, index) => ({ before, after: index === 2 ? 10 : 20 }))
    expect(slower(query({ times: [...disturbed, ...times(steady, 2)] }), 1)).toBe(false)
  })

  test('a read that runs out of time is slower', () => {
    const { findings } = judge([query({ after: { state: 'failed', sqlstate: '57014' } }), query({})], 1)
    expect(findings).toMatchObject([{ kind: 'query.slower', object: 'public.tasks' }])
  })

  test('nothing measured is not run', () => {
    expect(judge([], 1).checks).toMatchObject([{ status: 'not run' }])
  })

  test('the interval holds the ratio, and is the same for the same seed', () => {
    const pairs = times([10, 11, 9, 10, 12, 10], 1.3)
    const interval = ratioInterval(pairs, 7)
    expect(interval).toEqual(ratioInterval(pairs, 7))
    expect(interval.low).toBeLessThanOrEqual(1.31)
    expect(interval.high).toBeGreaterThanOrEqual(1.29)
    expect(median([3, 1, 2, 10])).toBe(2.5)
  })
})
