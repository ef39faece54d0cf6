import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { applyAgain } from './again.ts'
import { applyMigrations } from './apply.ts'
import { cutTransaction, leavesParts, sweepParts } from './crash-sweep.ts'
import { checkOfAgain, checkOfSweep, findingsOfAgain, findingsOfSweep } from './deploy-findings.ts'
import { testFile } from './test-files.ts'

let cluster: Cluster
let template: Database
let count = 0
const clone = (of: Database) => of.clone(`clone_${++count}`)

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('app')
  await preparePlatform(template)
  await using owner = await template.connect({ role: 'postgres' })
  await owner.query(`
    create table public.people (id bigserial primary key, name text not null, seen int not null default 0);
    insert into public.people (name) select 'name ' || i from generate_series(1, 200) i;
    alter table public.people enable row level security`)
})
afterAll(() => cluster.stop())

async function sweep(sql: string, inPlace = true) {
  const file = testFile('201_x.sql', sql)
  await using database = await clone(template)
  const sweeps = leavesParts(file)
    ? [await sweepParts(database, file, { record: true, clone, inPlace })]
    : [await cutTransaction(database, file, { elevated: [{ line: 1, column: 1, right: 'x' }], rows: [] }, undefined)]
  await using admin = await database.connect()
  const left = await admin.query(
    "select count(*)::int as n from pg_stat_activity where application_name like 'greenlight m%'",
  )
  return {
    of: sweeps[0],
    findings: findingsOfSweep(sweeps, [file]),
    check: checkOfSweep(sweeps),
    left: left.rows[0].n,
    people: (await admin.query("select count(*)::int as n from public.people where name like 'name%'")).rows[0].n,
  }
}

describe('a deploy that is cut off', () => {
  it('in a file of one transaction leaves everything as before, and no session', async () => {
    const { of, findings, check, left, people } = await sweep(
      "delete from public.people;\nalter table public.people add column a int;\ncreate table public.made (id int);\nselect nextval('public.people_id_seq');",
    )
    expect(of).toMatchObject({ outcome: 'as before', cuts: 4, states: 1 })
    expect(findings).toEqual([])
    expect(check).toMatchObject({ status: 'passed', id: 'migrations.cut-off' })
    expect([left, people]).toEqual([0, 200])
  })

  it('in a file that opens its one transaction itself leaves everything as before', async () => {
    const { of, people } = await sweep('begin;\ndelete from public.people;\ncommit;')
    expect(of).toMatchObject({ outcome: 'as before', cuts: 1 })
    expect(people).toBe(200)
  })

  it('between a part that cannot run twice and the rest is stuck, at the statement after which it was cut', async () => {
    const { findings, check } = await sweep(
      'set lock_timeout = 0;\nalter table public.people add column a int;\n\ncreate index concurrently if not exists i on public.people (a);',
    )
    expect(findings).toMatchObject([
      { kind: 'migration.not-atomic', object: '201_x.sql', where: { line: 2 }, migration: '201_x.sql' },
    ])
    expect(findings[0]?.severity).toBeUndefined()
    expect(findings[0]?.evidence[0]).toMatch(
      /^Run again, it fails at line 2: column "a" of relation "people" already exists/,
    )
    expect(check.status).toBe('failed')
  })

  it('and does its work twice when it is run again is stuck, with the table', async () => {
    const { findings } = await sweep(
      "insert into public.people (name) select 'new';\ncreate index concurrently if not exists i on public.people (name);",
    )
    expect(findings).toMatchObject([{ kind: 'migration.not-atomic', where: { line: 1 } }])
    expect(findings[0]?.evidence).toContain('public.people has 202 rows instead of 201')
  })

  it('and moves values to other rows when it is run again is stuck, though each column holds the same', async () => {
    const { findings } = await sweep(
      'update public.people set seen = 1 where id = 1 + (select count(*) from public.people where seen = 1);\nupdate public.people set seen = 0 where id = 1 and exists (select from public.people where id = 2 and seen = 1);\ncreate index concurrently if not exists i on public.people (name);',
    )
    expect(findings).toMatchObject([{ kind: 'migration.not-atomic' }])
    expect(findings[0]?.evidence).toContain('public.people holds the same values in other rows')
  })

  it('and can be run again to the same end is no harm, though the time of day and random keys differ', async () => {
    const { of, findings, check } = await sweep(
      `begin;
create table if not exists public.made (id uuid primary key default gen_random_uuid(), at timestamptz default clock_timestamp(), name text unique);
insert into public.made (name) values ('x') on conflict do nothing;
commit;
begin;
update public.people set seen = 1 where seen = 0;
commit;
create index if not exists made_at on public.made (at);`,
    )
    expect(of).toMatchObject({ outcome: 'resumable', states: 2 })
    expect(findings).toMatchObject([{ kind: 'migration.not-atomic', severity: 'info' }])
    expect(check.status).toBe('passed')
  })
})

describe('migrations that are applied twice', () => {
  async function again(...texts: string[]) {
    await using database = await clone(template)
    const files = texts.map((sql, index) => testFile(`20${index + 1}_x.sql`, sql))
    await applyMigrations(database, files)
    const run = await applyAgain(database, files, ['public.people'], undefined)
    return { findings: findingsOfAgain(run, files, true), check: checkOfAgain(run) }
  }

  it('and fail, or do their work once more, are told', async () => {
    const { findings, check } = await again(
      'select 1;\ncreate table public.made (id int);',
      "insert into public.people (name) values ('x');",
      'update public.people set seen = seen + 1;',
      'create table if not exists public.more (id int);\nalter table public.more add check (id > 0);',
    )
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'migration.not-repeatable 201_x.sql',
      'migration.not-repeatable 202_x.sql',
      'migration.not-repeatable 203_x.sql',
      'migration.not-repeatable migrations',
    ])
    expect(findings[0]?.where).toMatchObject({ line: 2 })
    expect(check).toMatchObject({ status: 'passed', numbers: { files: 4, failed: 1 } })
  })

  it('and change nothing are not', async () => {
    const { findings } = await again(
      'create table if not exists public.made (id int);',
      "update public.people set name = 'x' where id = 1;\ncreate or replace view public.v as select 1 as a;",
    )
    expect(findings).toEqual([])
  })
})
