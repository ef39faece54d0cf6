import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { testFile } from './test-files.ts'
import { runUnderTraffic } from './traffic.ts'
import { checksOfTraffic, findingsOfTraffic } from './traffic-findings.ts'

let cluster: Cluster
let template: Database
let count = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('app')
  await preparePlatform(template)
  await using owner = await template.connect({ role: 'postgres' })
  await owner.query(`
    create table public.people (id int primary key, name text not null, seen int not null default 0);
    insert into public.people select i, 'name ' || i from generate_series(1, 2000) i;
    create table public.tasks (id int generated always as identity, note text);
    insert into public.tasks (note) select 'x' from generate_series(1, 100) i;
    create table public.log (at timestamptz);
    create function public.log_it() returns trigger language plpgsql as
      'begin insert into public.log values (now()); new.seen = new.seen + 1; return new; end';
    create trigger log_it before update on public.people for each row execute function public.log_it()`)
})
afterAll(() => cluster.stop())

async function under(...texts: string[]) {
  await using database = await template.clone(`after_${++count}`)
  const files = texts.map((sql, index) => testFile(`20${index + 1}_x.sql`, sql))
  const traffic = await runUnderTraffic(database, files, {
    tables: ['public.people', 'public.tasks', 'public.nowhere'],
    record: false,
  })
  await using admin = await database.connect()
  const data = (
    await admin
      .query(
        `select md5(string_agg(t::text, ',' order by t::text)) as hash, (select count(*)::int from public.log) as log from public.people t`,
      )
      .catch(() => undefined)
  )?.rows[0]
  const left = await admin.query("select 1 from pg_stat_activity where application_name = 'greenlight canary'")
  return {
    traffic,
    data,
    left: left.rowCount,
    deadlocks: (await admin.query('select deadlocks::int from pg_stat_database where datname = current_database()'))
      .rows[0].deadlocks,
    of: (table: string) => traffic.tables.find((one) => one.table === table),
    failure: traffic.run.migrations.find(({ failure }) => failure)?.failure,
    findings: findingsOfTraffic(traffic, files, 500),
    check: checksOfTraffic(traffic, 500)[0],
  }
}

describe('users of a table while migrations run', () => {
  // On a machine that does other work, whoever is told of the end is told late.
  it('wait as long as a lock is held: a sleep of known length is measured within 20 %', { retry: 2 }, async () => {
    const { of, findings, check } = await under(
      'select 1;\nalter table public.people add column a int;\nselect pg_sleep(1.5);',
    )
    for (const { milliseconds } of of('public.people')?.blocks ?? []) {
      expect(milliseconds).toBeGreaterThan(1500 * 0.8)
      expect(milliseconds).toBeLessThan(1500 * 1.2)
    }
    expect(of('public.people')?.blocks.map(({ what }) => what)).toEqual(['reads', 'writes'])
    expect(of('public.tasks')?.longestMs).toBeLessThan(300)
    expect(findings).toMatchObject([
      { kind: 'traffic.blocked', object: 'public.people', migration: '201_x.sql', where: { line: 2 } },
    ])
    expect(check).toMatchObject({ status: 'failed', id: 'performance.traffic' })
  })

  it('only write in vain while an index is built', async () => {
    const { of, findings } = await under('create index on public.people (name);\nselect pg_sleep(2);')
    // A busy machine lets readers wait for a while, too.
    expect(of('public.people')?.blocks.filter(({ milliseconds }) => milliseconds > 1_500)).toMatchObject([
      { what: 'writes', cause: { migration: '201_x.sql', line: 1 } },
    ])
    expect(findings[0]?.title).toMatch(/^Writes of public.people got no answer for [1-4]\.\d s/)
  })

  it('wait for rows that a long transaction has changed', async () => {
    const { findings } = await under('update public.people set seen = 7;\nselect pg_sleep(0.8);')
    expect(findings).toMatchObject([{ object: 'public.people', where: { line: 1 } }])
  })

  it('see a table fail while it is away', async () => {
    const { findings } = await under(
      'alter table public.tasks rename to gone',
      'select pg_sleep(0.8)',
      'alter table public.gone rename to tasks',
    )
    expect(findings).toMatchObject([{ object: 'public.tasks' }])
    expect(findings[0]?.title).toContain('SQLSTATE 42P01')
  })

  it('feel nothing of short locks, concurrent builds, and locks on other tables', async () => {
    const { findings, check, failure } = await under(
      'alter table public.people add column a int;\ncreate index on public.tasks (id);',
      'create index concurrently i on public.people (name);',
      'create table public.made (id int);\nlock table public.log;\nselect pg_sleep(0.6);',
      'drop table public.tasks;',
    )
    expect(failure).toBeUndefined()
    expect(findings).toEqual([])
    expect(check).toMatchObject({ status: 'passed' })
    expect(check?.summary).toContain('What the app asked of public.tasks is there no more.')
  })
})

describe('the canaries', () => {
  it('leave the data as the migrations alone leave it, and no session', async () => {
    const { data, left, of } = await under('select pg_sleep(0.4)')
    await using admin = await template.connect()
    const was = await admin.query(
      "select md5(string_agg(t::text, ',' order by t::text)) as hash, 0 as log from public.people t",
    )
    expect(of('public.people')?.requests).toBeGreaterThan(10)
    expect(data).toEqual(was.rows[0])
    expect(left).toBe(0)
  })

  it('never make a migration fail: not by a deadlock, nor where it does not wait for locks', async () => {
    const { failure, traffic, deadlocks } = await under(
      'update public.people set seen = 1;\nalter table public.people add column b int;\nlock table public.tasks;\nupdate public.people set b = 1;',
      'lock table public.people in access exclusive mode nowait;',
      "set lock_timeout = '1ms';\nlock table public.people;",
      "set lock_timeout = '5s';\nlock table public.people;",
    )
    expect(failure).toBeUndefined()
    expect(traffic.quiet).toEqual(['202_x.sql', '203_x.sql'])
    expect(deadlocks).toBe(0)
  })
})
