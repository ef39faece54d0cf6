import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { QueryConfig } from '../../model/config.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, plannerContracts } from '../access/test-project.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { compareQueries } from './compare.ts'

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
     create index logs_body on public.logs (id) where body = 'nothing';
     alter table public.logs enable row level security;
     create policy own on public.logs for select to authenticated using (user_id = (select auth.uid()));
     grant select on public.logs to authenticated, service_role;
     create table public.pings (id int primary key, created_at timestamptz);
     insert into public.pings select n, timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 20000) n;
     alter table public.pings enable row level security;
     create policy every on public.pings for select to authenticated using (true);
     grant select on public.pings to authenticated, service_role;
     create function public.log_size() returns bigint language sql stable as 'select count(*) from public.logs where id < 10';
     create function public.log_of(p_log_id bigint) returns bigint language sql stable as 'select count(*) from public.logs where id = p_log_id';
     create function public.forget() returns bigint language sql volatile as 'select count(*) from public.logs'`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 8 })
})
afterAll(() => cluster.stop())

async function rehearse(sql: string, queries: readonly QueryConfig[] = []) {
  await using one = await before.clone('clone_1')
  await using two = await before.clone('clone_2')
  await administer(two, sql)
  const { findings, checks } = await compareQueries(one, two, identities, { seed: 1, queries })
  return { findings, checks: checks.filter(({ id }) => id === 'performance.queries') }
}

describe('queries on both sides', () => {
  test('an index that is gone makes a read costlier', async () => {
    const { findings, checks } = await rehearse('drop index public.logs_user_idx')
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toContain('query.costlier public.logs')
    expect(findings[0]?.title).toMatch(/^Reading public\.logs with .* touches \d+ blocks instead of \d+\.$/)
    expect(checks).toMatchObject([{ status: 'failed', required: true }])
  })

  test('an index that reads used and that is gone is told by itself, too', async () => {
    const { findings } = await rehearse('drop index public.logs_user_idx')
    expect(findings.filter(({ kind }) => kind.startsWith('index.'))).toMatchObject([
      {
        kind: 'index.dropped',
        object: 'public.logs',
        title: 'Reads of public.logs used logs_user_idx, which the migrations drop, and use no index of the table now.',
      },
    ])
  })

  test('a new index that nothing asks for is information', async () => {
    const idle = await rehearse('create index logs_text on public.logs ((id || body))')
    expect(idle.findings).toMatchObject([
      { kind: 'index.unused', title: 'No read that was tried uses the new index logs_text of public.logs.' },
    ])
  })

  test('a function of the API that only reads, and costs more, is told; one that may write is not called', async () => {
    const { findings } = await rehearse(
      `create or replace function public.log_size() returns bigint language sql stable as 'select count(*) from public.logs where body is not null';
       create or replace function public.forget() returns bigint language sql volatile as 'select count(*) from public.logs a, public.logs b where a.body <> b.body'`,
    )
    expect(findings[0]).toMatchObject({ kind: 'query.costlier' })
    // On a quick machine it is slower, too.
    expect([...new Set(findings.map(({ object }) => object))]).toEqual(['public.log_size()'])
  })

  test('a function that needs an argument is called with the id of a row, and told when it costs more', async () => {
    const { findings } = await rehearse(
      `create or replace function public.log_of(p_log_id bigint) returns bigint language sql stable as 'select count(*) from public.logs where id + 0 = p_log_id and body is not null'`,
    )
    expect(findings[0]).toMatchObject({ kind: 'query.costlier', object: 'public.log_of()' })
    expect(findings[0]?.title).toContain('.rpc(…, { p_log_id })')
  })

  test('a function whose argument another one takes the place of, or that says it may write, is not called', async () => {
    const other = `drop function public.log_of(bigint);
       create function public.log_of(p_other_id bigint) returns bigint language sql stable as 'select count(*) from public.logs where id + 0 = p_other_id and body is not null'`
    expect((await rehearse(other)).findings).toEqual([])
  })

  test('queries of the config are compared; one that fails after is a regression, one that failed before is not run', async () => {
    const recent: QueryConfig = { name: 'recent', as: 'service', sql: 'select id, body from public.logs where id = 7;' }
    const dropped = await rehearse('alter table public.logs drop constraint logs_pkey', [recent])
    expect(dropped.findings.map(({ kind, object }) => `${kind} ${object}`)).toContain('query.costlier recent')
    const cost = dropped.findings.find(({ object }) => object === 'recent')
    expect(cost?.evidence).toEqual(
      expect.arrayContaining(['logs is read whole now', 'no longer used: index logs_pkey']),
    )
    const renamed = await rehearse('alter table public.logs rename body to content', [recent])
    expect(renamed.findings).toMatchObject([
      { kind: 'feature.regressed', object: 'recent', evidence: [expect.stringContaining('42703')] },
    ])
    const wrong = await rehearse('select 1', [{ ...recent, sql: 'select nothing from public.logs' }])
    expect(wrong.checks).toMatchObject([
      { status: 'not run', reason: expect.stringContaining('fails before the migrations already (SQLSTATE 42703') },
    ])
  })

  test('a function in a policy that takes its time makes reads slower', async () => {
    const { findings } = await rehearse(
      `create function public.slow() returns boolean language plpgsql stable as $$ begin perform pg_sleep(0.003); return true; end $$;
       alter policy own on public.logs using (user_id = (select auth.uid()) and (select public.slow()))`,
    )
    // So are the functions that read the table with the rights of their caller.
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'query.slower public.log_of()',
      'query.slower public.log_size()',
      'query.slower public.logs',
    ])
    // Written anew, the table is no quicker to read: nothing softens it.
    expect(findings.map(({ severity }) => severity)).toEqual([undefined, undefined, undefined])
  })

  test('what only the rows of before the migration cost, until they are written anew, is a warning', async () => {
    // A column that is filled in at every read costs tenths of a millisecond, which a busy machine hides: asleep instead.
    const { findings, checks } = await rehearse(
      `do $do$ begin
         execute format($$create function public.fill_in() returns boolean language plpgsql stable as
           'begin if pg_relation_filenode(''public.pings'') = %s then perform pg_sleep(0.003); end if; return true; end'$$,
           pg_relation_filenode('public.pings'));
       end $do$;
       alter policy every on public.pings using ((select public.fill_in()))`,
    )
    expect(findings).toMatchObject([
      {
        kind: 'query.slower',
        object: 'public.pings',
        severity: 'warning',
        fix: expect.stringContaining('vacuum (full, analyze) public.pings'),
      },
    ])
    expect(checks).toMatchObject([{ status: 'passed' }])
  })

  test('room that a rewrite of all rows leaves behind is a warning; an index that is gone with it blocks', async () => {
    const fill = "update public.logs set body = repeat('y', 400)"
    const { findings, checks } = await rehearse(fill)
    const costly = findings.filter(({ kind }) => kind === 'query.costlier')
    expect(costly).toMatchObject([
      {
        object: 'public.logs',
        severity: 'warning',
        fix: expect.stringContaining('vacuum (full, analyze) public.logs'),
      },
    ])
    expect(findings.filter(({ severity }) => severity === undefined)).toEqual([])
    expect(checks).toMatchObject([{ status: 'passed' }])
    const worse = await rehearse(`${fill}; drop index public.logs_user_idx`)
    expect(worse.findings).toContainEqual(expect.objectContaining({ kind: 'query.costlier', object: 'public.logs' }))
    expect(worse.checks).toMatchObject([{ status: 'failed' }])
  })

  test.each([
    ['a renamed index', 'alter index public.logs_user_idx rename to logs_by_user'],
    [
      'an index that is made anew',
      'drop index public.logs_user_idx; create index logs_user_idx on public.logs (user_id)',
    ],
    [
      'an index in the place of another one',
      'create index logs_user_id on public.logs (user_id, id); drop index public.logs_user_idx',
    ],
    ['an index that a read uses', 'create index on public.pings (created_at)'],
    ['an index that only small tables have no use for', 'create index on public.event_user_roles (user_id, role)'],
    ['an index that no read ever used', 'drop index public.logs_body'],
    ['a unique index that no read uses', 'create unique index on public.logs (body, id)'],
    ['a new table', 'create table public.more (id int primary key)'],
    ['a table that is gone', 'drop table public.notification_log'],
  ])('%s is no finding', async (_, sql) => {
    const { findings, checks } = await rehearse(sql)
    expect(findings).toEqual([])
    expect(checks).toMatchObject([{ id: 'performance.queries', status: 'passed' }])
  })

  test.each(['idle', 'busy'])(
    'the same database compared with itself 20 times gives no finding, on a machine that is %s',
    async (load) => {
      // Started and ended here: one loop for each core, and one more.
      const loops =
        load === 'busy'
          ? Array.from({ length: availableParallelism() + 1 }, () => new Worker('for (;;) {}', { eval: true }))
          : []
      try {
        await compareTwenty()
      } finally {
        await Promise.all(loops.map((loop) => loop.terminate()))
      }
    },
    360_000,
  )

  async function compareTwenty() {
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
  }
})
