import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { applyMigrations } from './apply.ts'
import { checksOfLocks, findingsOfLocks } from './lock-findings.ts'
import { takeTableSizes } from './table-sizes.ts'
import { testFile } from './test-files.ts'
import type { LockInterval } from './trace.ts'

let cluster: Cluster
let template: Database
let count = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('app')
  await preparePlatform(template)
  await using owner = await template.connect({ role: 'postgres' })
  await owner.query(`
    create table public.people (id int primary key, name text not null);
    insert into public.people select i, 'name ' || i from generate_series(1, 20000) i;
    create table public.tasks (id int primary key, person int, note text);
    insert into public.tasks select i, i, 'x' from generate_series(1, 100) i;
    create function public.log_it() returns trigger language plpgsql as
      'begin insert into public.tasks (id) values (new.id + 100000); return new; end';
    create trigger log_it after update of name on public.people for each row when (new.id <= 2) execute function public.log_it()`)
})
afterAll(() => cluster.stop())

async function trace(...texts: string[]) {
  await using database = await template.clone(`after_${++count}`)
  const files = texts.map((sql, index) => testFile(`20${index + 1}_x.sql`, sql))
  const locks: LockInterval[] = []
  const sizes = await takeTableSizes(database)
  const run = await applyMigrations(database, files, { trace: true, onLocks: (taken) => locks.push(...taken) })
  const options = { maxBlock: 300, sizes }
  return {
    run,
    locks,
    traces: run.migrations.map((migration) => migration.trace ?? []),
    failure: run.migrations.find(({ failure }) => failure)?.failure,
    findings: findingsOfLocks(run, files, options),
    check: checksOfLocks(run, options)[0],
  }
}

describe('each statement is traced', () => {
  it('with the rows that it wrote, its triggers included, the log it made and its growth', async () => {
    const { traces } = await trace(
      "update public.people set name = 'x' where id <= 2;\ninsert into public.tasks (id) select i from generate_series(1001, 6000) i;",
    )
    expect(traces[0]?.map(({ line, rows }) => ({ line, rows }))).toEqual([
      {
        line: 1,
        rows: [
          { table: 'public.people', inserted: 0, updated: 2, deleted: 0 },
          { table: 'public.tasks', inserted: 2, updated: 0, deleted: 0 },
        ],
      },
      { line: 2, rows: [{ table: 'public.tasks', inserted: 5000, updated: 0, deleted: 0 }] },
    ])
    const [update, insert] = traces[0] ?? []
    expect(update?.walBytes).toBeGreaterThan(100)
    expect(insert?.walBytes).toBeGreaterThan((update?.walBytes ?? 0) * 10)
    expect(insert?.sizeBytes).toBeGreaterThan(100_000)
  })

  it('with the locks that it added, and whether their objects were there before the run', async () => {
    const { traces } = await trace(
      'create table public.made (id int);\nalter table public.people add column a int;\nupdate public.people set a = 1 where id = 1;',
      'alter table public.made add column b int;\ncreate index on public.tasks (person);',
    )
    const locks = traces.map((file) => file.map((statement) => statement.locks?.map(({ heldMs: _, ...lock }) => lock)))
    expect(locks).toEqual([
      [
        [{ object: 'public.made', mode: 'ACCESS EXCLUSIVE', existed: false }],
        [{ object: 'public.people', mode: 'ACCESS EXCLUSIVE', existed: true }],
        [{ object: 'public.people', mode: 'ROW EXCLUSIVE', existed: true }],
      ],
      [
        [{ object: 'public.made', mode: 'ACCESS EXCLUSIVE', existed: false }],
        [{ object: 'public.tasks', mode: 'SHARE', existed: true }],
      ],
    ])
  })

  it('with the tables that it writes anew, and those only', async () => {
    const { traces } = await trace(
      'alter table public.tasks alter column person type bigint;\nalter table public.people add column n int not null default 7;\ntruncate public.tasks;',
    )
    expect(traces[0]?.map(({ rewrites }) => rewrites)).toEqual([['public.tasks'], undefined, undefined])
  })

  it('with the lock of a table that it drops', async () => {
    const { traces } = await trace('drop table public.tasks')
    expect(traces[0]?.[0]?.locks).toMatchObject([{ object: 'public.tasks', mode: 'ACCESS EXCLUSIVE', existed: true }])
    expect(traces[0]?.[0]?.sizeBytes).toBeLessThan(0)
  })

  it('also outside of a transaction, and in transactions of the file itself', async () => {
    const { traces } = await trace(
      'vacuum full public.people;\ncreate index concurrently i on public.tasks (person);',
      "begin;\nupdate public.tasks set note = 'y';\ncommit;",
    )
    expect(traces[0]?.[0]?.rewrites).toEqual(['public.people'])
    expect(traces[0]?.[1]?.sizeBytes).toBeGreaterThan(0)
    expect(traces[1]?.[1]?.rows).toEqual([{ table: 'public.tasks', inserted: 0, updated: 100, deleted: 0 }])
  })

  it('as far as a failing file came', async () => {
    const { traces, failure } = await trace('alter table public.tasks add column a int;\nselect wrong;')
    expect(failure?.line).toBe(2)
    expect(traces[0]).toMatchObject([{ line: 1, locks: [{ object: 'public.tasks' }] }, { line: 2 }])
  })

  it('without standing in the way of SET TRANSACTION, or minding a search_path', async () => {
    const { run, traces } = await trace(
      "set transaction isolation level serializable;\nset local search_path = '';\nset role anon;\nreset role;\nupdate public.tasks set note = 'z';",
    )
    expect(run.migrations[0]?.failure).toBeUndefined()
    expect(traces[0]?.[4]?.rows).toMatchObject([{ updated: 100 }])
  })

  it('and forgets what a savepoint gave back', async () => {
    const { locks } = await trace(
      'savepoint s;\nlock table public.people;\nrollback to savepoint s;\nselect 1;\nselect pg_sleep(0.5);',
    )
    const lock = locks.find(({ object }) => object === 'public.people')
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBeLessThan(400)
  })
})

describe('locks that keep users out', () => {
  it('of reads, when held longer than allowed, are told with table, place, time and what they waited for', async () => {
    const { findings, check } = await trace('alter table public.people add column a int;\n\nselect pg_sleep(0.6);')
    expect(findings).toMatchObject([
      {
        kind: 'lock.blocks-reads',
        object: 'public.people',
        migration: '201_x.sql',
        where: { file: 'migrations/201_x.sql', line: 1, column: 1 },
      },
    ])
    expect(findings[0]?.evidence.join('\n')).toMatch(/the longest after it, in line 3, for 0\.[67] s/)
    expect(check).toMatchObject({ status: 'failed', id: 'performance.locks' })
  })

  it('of writes are told apart from those of reads', async () => {
    const { findings } = await trace('create index on public.people (name);\nselect pg_sleep(0.5);')
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual(['lock.blocks-writes public.people'])
  })

  it('are no alarm when they end before the long work, are on new tables, or let users work', async () => {
    const { findings, check } = await trace(
      'alter table public.people add column a int;\ncreate index on public.tasks (person);',
      'create table public.made (id int);\nselect pg_sleep(0.5);',
      'update public.people set name = name where id = 9;\nselect count(*) from public.tasks;\nselect pg_sleep(0.5);',
    )
    expect(findings).toEqual([])
    expect(check).toMatchObject({ status: 'passed' })
  })

  it('are timed from when they were taken, not from when their statement began', async () => {
    const { locks, findings } = await trace(
      'do $$ begin perform pg_sleep(0.6); alter table public.people add column a int; perform pg_sleep(0.1); end $$',
    )
    const lock = locks.find(({ object }) => object === 'public.people')
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBeGreaterThan(90)
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBeLessThan(300)
    expect(findings).toEqual([])
  })

  it('outside of a transaction are seen, too', async () => {
    const { locks } = await trace(
      'begin;\ncommit;\ndo $$ begin lock table public.tasks; perform pg_sleep(0.3); commit; perform pg_sleep(0.2); end $$;',
    )
    const lock = locks.find(({ object, mode }) => object === 'public.tasks' && mode === 'ACCESS EXCLUSIVE')
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBeGreaterThan(270)
    expect((lock?.until ?? 0) - (lock?.since ?? 0)).toBeLessThan(480)
  })
})
