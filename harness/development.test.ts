import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { told } from './cli/diff.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { takeDevelopment, tried } from './development.ts'
import { preparePlatformSchemas } from './platform/prepare.ts'
import { compareLedger } from './snapshot/ledger/compare-ledger.ts'
import { extractFacts } from './snapshot/schema/delta.ts'
import { developmentDifferences, developmentFindings } from './snapshot/schema/development.ts'
import { additivePart } from './snapshot/schema/emit.ts'

const shared = `alter default privileges in schema public grant all on tables to anon; create table public.tasks (id int primary key, title text, old text); create table public.gone (id int primary key);`
const development = `${shared}
  alter table public.tasks drop old, add due date, add state text not null default 'open', add needed int not null,
    add constraint positive check (id > 0), alter title set not null;
  drop table public.gone;
  create type public.mood as enum ('good', 'bad');
  create table public.notes (id serial primary key, task_id int references public.tasks, mood public.mood default 'good');
  alter table public.notes enable row level security;
  create policy read on public.notes for select to authenticated using (true);
  revoke all on public.notes from anon;
  create policy more on public.tasks for select to authenticated using (true);
  create policy less on public.tasks as restrictive for select to anon using (false);
  create index tasks_due on public.tasks (due); create index tasks_needed on public.tasks (needed);
  create unique index tasks_title on public.tasks (title);
  create view public.open_tasks with (security_invoker) as select id, title from public.tasks;
  create function public.answer() returns int language sql stable as 'select 42';
  create policy own on storage.objects for select to authenticated using (true);`

describe('development against production', () => {
  let cluster: Cluster
  let production: Database
  let directory = ''
  const signal = new AbortController().signal
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'greenlight-development-'))
    cluster = await startTestCluster()
    production = await cluster.createDatabase('production')
    await preparePlatformSchemas(production)
    await using owner = await production.connect({ role: 'postgres' })
    await owner.query(
      `${shared} insert into public.tasks values (1, 'a', 'x'), (2, 'a', 'y'), (3, null, 'z'); insert into public.gone values (1)`,
    )
  })
  afterAll(async () => {
    await cluster?.stop()
    await rm(directory, { recursive: true, force: true })
  })
  const file = async (name: string, sql: string) => {
    const path = join(directory, name)
    await writeFile(path, sql)
    return path
  }

  it('that is the same is told so, from a file and from a server', async () => {
    const facts = await takeDevelopment(await file('same.sql', shared), cluster, signal)
    const same = developmentDifferences(await extractFacts(production), facts)
    expect(told(same)).toEqual(['Production and development have the same schema.'])
    expect(developmentFindings(same)).toMatchObject({ findings: [], checks: [{ status: 'passed' }] })
    const served = await takeDevelopment(production.url(), cluster, signal)
    expect(developmentDifferences(await extractFacts(production), served)).toEqual([])
  })

  it('names what is missing, extra and different, and emits only what adds: it loses nothing and the rest is what is left', async () => {
    const facts = await takeDevelopment(await file('dev.sql', development), cluster, signal)
    const old = await extractFacts(production)
    const differences = developmentDifferences(old, facts)
    const of = (side: string) =>
      differences.filter((one) => one.side === side).map(({ object, what }) => `${object}: ${what}`)
    expect(of('extra')).toEqual(
      expect.arrayContaining([
        'public.gone: table gone (row-level security off)',
        expect.stringContaining('public.tasks: column old'),
      ]),
    )
    expect(of('missing')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^public\.tasks: column due/),
        expect.stringMatching(/^storage\.objects: policy "own"/),
      ]),
    )
    expect(of('different')).toEqual(['public.tasks: column title must have a value'])
    const { findings } = developmentFindings(differences)
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual(
      expect.arrayContaining([
        'schema.differs-from-dev public.gone',
        'schema.differs-from-dev public.notes',
        'schema.differs-from-dev public.tasks',
      ]),
    )

    await using copy = await production.clone('copy')
    const { emitted, migration } = await tried(copy, additivePart(old, facts))
    const kept = emitted.filter(({ leftOut }) => leftOut === undefined).map(({ sql }) => sql)
    expect(kept.join('\n')).not.toMatch(
      /^\s*(DROP|TRUNCATE|DELETE|UPDATE)\b|\bDROP (COLUMN|CONSTRAINT)|SET NOT NULL|RESTRICTIVE|UNIQUE INDEX|ADD CONSTRAINT "positive"|"needed"/im,
    )
    expect(kept).toContainEqual(expect.stringMatching(/^CREATE INDEX CONCURRENTLY tasks_due/))
    expect(migration).toContain('-- Left out, for a person to decide:')
    expect(migration).toMatch(
      /-- {3}rows that are there have no value for the column, and it has no default: ALTER TABLE .*"needed"/,
    )
    expect(migration).toMatch(
      /-- {3}it does not run on a copy of production \(SQLSTATE 42703\): CREATE INDEX CONCURRENTLY tasks_needed/,
    )

    const rest = developmentDifferences(await extractFacts(copy), facts)
    expect(rest.map(({ object, what }) => `${object}: ${what.replace(/ \(.*/, '')}`)).toEqual(
      [
        'public.gone: grants to anon',
        'public.gone: column id',
        'public.gone: constraint gone_pkey',
        'public.gone: table gone',
        'public.tasks: column needed',
        'public.tasks: column old',
        'public.tasks: column title must have a value',
        'public.tasks: constraint positive',
        'public.tasks: index tasks_needed',
        'public.tasks: index tasks_title',
        'public.tasks: policy "less"',
      ].sort(),
    )
    const { findings: lost } = await compareLedger(production, copy)
    expect(lost.filter(({ kind }) => kind.startsWith('data.'))).toEqual([])
  })

  it('takes what production has in another form for what is there: nothing is taken from it', async () => {
    const form = (result: string, condition: string) =>
      `${shared} create function public.check_code(code text) returns ${result};
       alter table public.tasks enable row level security; create policy own on public.tasks for select to anon using (${condition});`
    const old = await takeDevelopment(
      await file('old.sql', form("table (ok boolean) language sql as 'select true'", 'id = 1')),
      cluster,
      signal,
    )
    const closed = `${form("int language sql as 'select 1'", 'id = 2')}
      revoke all on function public.check_code from public; grant execute on function public.check_code to authenticated`
    const facts = await takeDevelopment(await file('new.sql', closed), cluster, signal)
    const emitted = additivePart(old, facts)
    const kept = emitted.filter(({ leftOut }) => leftOut === undefined).map(({ sql }) => sql)
    expect(kept).toContainEqual(expect.stringMatching(/^GRANT EXECUTE ON FUNCTION .*check_code.* TO "authenticated"/))
    expect(kept.filter((sql) => !sql.startsWith('GRANT '))).toEqual([])
    expect(emitted.find(({ sql }) => /^CREATE .*check_code/.test(sql))?.leftOut).toBe(
      'production has it in another form',
    )
    expect(emitted.find(({ sql }) => /^CREATE POLICY/.test(sql))?.leftOut).toBe('production has it in another form')
    expect(emitted.find(({ sql }) => /^REVOKE .* FROM PUBLIC/.test(sql))?.leftOut).toBe('it takes rights away')
  })

  it('emits a key over new columns that are NULL everywhere, and no other', async () => {
    const tables = `create table public.a (id int primary key, old int); create table public.b (id int primary key);`
    const keys = `alter table public.a add "B id" int references public.b, add u int unique, add n int unique nulls not distinct,
      add c int default 1 references public.b, add foreign key (old) references public.b, add unique (u, old)`
    const old = await takeDevelopment(await file('without.sql', tables), cluster, signal)
    const facts = await takeDevelopment(await file('with.sql', `${tables} ${keys}`), cluster, signal)
    const constraints = additivePart(old, facts).filter(({ sql }) => sql.includes('ADD CONSTRAINT'))
    const named = (kept: boolean) =>
      constraints.flatMap(({ sql, leftOut }) =>
        (leftOut === undefined) === kept ? (sql.match(/CONSTRAINT "(.*?)" /)?.[1] ?? '') : [],
      )
    expect(named(true).sort()).toEqual(['a_B id_fkey', 'a_u_key'])
    expect(named(false).sort()).toEqual(['a_c_fkey', 'a_n_key', 'a_old_fkey', 'a_u_old_key'])
  })

  it('is refused where it is not there, or does not run', async () => {
    await expect(takeDevelopment(join(directory, 'none'), cluster, signal)).rejects.toMatchObject({
      code: 'usage.invalid',
    })
    await expect(
      takeDevelopment(await file('wrong.sql', 'select 1;\nalter table public.nothing add a int;'), cluster, signal),
    ).rejects.toMatchObject({
      code: 'database.failed',
      message: expect.stringMatching(/^wrong\.sql:2 does not run on an empty database/),
    })
    await expect(takeDevelopment('postgres://nobody:secret@127.0.0.1:1/none', cluster, signal)).rejects.toMatchObject({
      code: 'database.failed',
      message: expect.not.stringContaining('secret'),
    })
  })
})
