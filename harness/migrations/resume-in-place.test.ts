import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cloner } from '../clones.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { sweepParts } from './crash-sweep.ts'
import { takeState } from './database-state.ts'
import { fitsOneTransaction, resumeInPlace } from './resume-in-place.ts'
import { testFile } from './test-files.ts'

let cluster: Cluster
let base: Database
const clone = cloner('resume')

beforeAll(async () => {
  cluster = await startTestCluster()
  base = await cluster.createDatabase('app')
  await preparePlatformSchemas(base)
  await using owner = await base.connect({ role: 'postgres' })
  await owner.query(`
    create table public.people (id bigserial primary key, name text not null, seen int not null default 0);
    insert into public.people (name) select 'name ' || i from generate_series(1, 100) i;
    create table public.pets (id bigserial primary key, owner bigint references public.people deferrable initially deferred);
    create sequence public.codes; create table public.coded (code bigint);
    create type public.mood as enum ('good'); create table public.moods (mood public.mood)`)
})
afterAll(() => cluster.stop())

/** Each commits at least twice: what a person would find after a cut, and whether running it again mends it. */
const files: Readonly<Record<string, readonly string[]>> = {
  'columns and rows that may come twice': [
    'alter table public.people add column if not exists a int default 3;',
    "update public.people set name = 'x' where id = 1;",
    'create table if not exists public.made (id int primary key);',
    'insert into public.made values (1) on conflict do nothing;',
  ],
  'a row more each time': ["insert into public.people (name) values ('new');", 'select 1;', 'analyze public.people;'],
  'a count that goes up each time': ['update public.people set seen = seen + 1;', 'select 1;'],
  'a column that cannot come twice': ['alter table public.people add column b int;', 'select 1;'],
  'a table that is renamed': ['alter table public.coded rename to codes_given;', 'select 1;'],
  'a number of a sequence that is another each time': [
    "truncate public.coded; insert into public.coded select nextval('public.codes');".replace('; ', ';\n'),
    'select 1;',
  ],
  'a row with a number of its own, once': [
    "insert into public.coded select nextval('public.codes') where not exists (select from public.coded);",
    "insert into public.people (name) select 'one more' where not exists (select from public.people where name = 'one more');",
    'insert into public.pets (owner) select max(id) from public.people where not exists (select from public.pets);',
    'select 1;',
  ],
  'times and random keys': [
    'create table if not exists public.made (id uuid default gen_random_uuid(), at timestamptz default now(), n int unique);',
    'insert into public.made (n) values (1) on conflict do nothing;',
    'update public.made set at = clock_timestamp();',
  ],
  'a value of an enum that is used once it is committed': [
    "alter type public.mood add value if not exists 'fine';",
    "insert into public.moods select 'fine' where not exists (select from public.moods);",
    'select 1;',
  ],
  'references that are checked at the end': [
    'insert into public.pets (owner) select 1 where not exists (select from public.pets);',
    'alter table public.pets add column if not exists named text;',
    'select 1;',
  ],
  'what only runs while its transaction is young': [
    'create table if not exists public.made (at timestamptz default now());',
    'insert into public.made select where not exists (select from public.made where at < now());',
    'delete from public.made where at < now() - interval $$0.1 ms$$;',
    'select 1;',
  ],
  'a setting of its own transaction': [
    'begin;\nset local search_path = auth;\nselect 1;\ncommit;',
    'create table if not exists public.made (id int);',
    'select 1;',
  ],
  'a block that commits': ['select 1;', 'do $$ begin update public.people set seen = 1; commit; end $$;', 'select 2;'],
  'a policy that only the platform lets it make': [
    'drop policy if exists own on storage.objects;',
    'create policy own on storage.objects for select using (true);',
    'select 1;',
  ],
  'another role': [
    'set role authenticated;',
    'reset role;',
    'create table if not exists public.made (id int);',
    'select 1;',
  ],
}

/** The first in a transaction of the file's own, so that each one after it is committed by itself. */
function inParts([first = '', ...more]: readonly string[]) {
  const own = first.startsWith('begin') ? first : `begin;\n${first}\ncommit;`
  return testFile('201_x.sql', [own, ...more].join('\n'))
}

describe('a cut that is tried in place', () => {
  it.each(Object.entries(files))('tells of %s what a clone tells', async (_, statements) => {
    const file = inParts(statements)
    const cloned = await sweepParts(base, file, { record: true, clone, inPlace: false })
    const inPlace = await sweepParts(base, file, { record: true, clone })
    expect(inPlace).toEqual(cloned)
    expect(cloned.outcome).not.toBe('not looked')
  })

  it('needs no clone of its own', async () => {
    let made = 0
    const counted = (of: Database) => {
      made += 1
      return clone(of)
    }
    const { states } = await sweepParts(base, inParts(files['columns and rows that may come twice'] ?? []), {
      record: true,
      clone: counted,
    })
    expect([states, made]).toEqual([3, 2])
  })

  it('leaves nothing: no row, no object, no number of a sequence, no reader', async () => {
    await using database = await clone(base)
    const tables = ['public.people', 'public.coded']
    const was = await takeState(database, tables)
    const numbers =
      'select (select last_value from public.codes) as a, (select last_value from public.people_id_seq) as b'
    await using session = await database.connect()
    const before = (await session.query(numbers)).rows
    const file = testFile(
      '201_x.sql',
      "begin;\ninsert into public.people (name) values ('new');\ncommit;\ninsert into public.coded select nextval('public.codes');\ncreate table public.made (id serial);\ninsert into public.made default values;",
    )
    const resumed = await resumeInPlace(database, file, { record: true, tables, like: was, statementTimeout: 10_000 })
    expect(resumed?.rowsWritten).toBeGreaterThanOrEqual(3)
    expect(resumed?.state.tables.get('public.people')?.rows).toBe(101)
    expect(resumed?.state.objects.has('table public.made')).toBe(true)
    expect(await takeState(database, tables)).toEqual(was)
    expect((await session.query(numbers)).rows).toEqual(before)
    const left = "select nspname from pg_namespace where nspname like 'greenlight%'"
    expect((await session.query(left)).rows).toEqual([])
  })

  it.each([
    ['create index concurrently i on public.people (name);', false],
    ['set local search_path = auth;', false],
    ["set local lock_timeout = '2s';", true],
    ["select set_config('role', 'anon', true);", false],
    ['do $$ begin set local role anon; end $$;', false],
    ['create temp table t (id int) on commit drop;', false],
    ['begin isolation level serializable;\nselect 1;\ncommit;', false],
    ['begin;\nselect 1;\ncommit;', true],
    ['savepoint s;', false],
    ["comment on table public.people is 'set';", true],
  ])('is for files that may run in one transaction: %s', (sql, fits) => {
    expect(fitsOneTransaction(testFile('201_x.sql', sql))).toBe(fits)
  })
})
