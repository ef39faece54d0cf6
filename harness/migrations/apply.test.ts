import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { type ApplyOptions, applyMigrations } from './apply.ts'
import { readHistory } from './history.ts'
import { versionOf } from './order.ts'
import { checksOfMigrations, findingsOfMigrations } from './outcome.ts'
import { splitSql } from './split.ts'

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
    insert into public.people values (1, 'Ada Lovelace'), (2, 'Grace Hopper')`)
})
afterAll(() => cluster.stop())

function file(name: string, sql: string): MigrationFile {
  const { statements } = splitSql(sql)
  return { name, path: `migrations/${name}`, version: versionOf(name), sql, sha256: '', statements }
}

type Applied = Awaited<ReturnType<typeof apply>>

async function apply(files: readonly MigrationFile[], options?: ApplyOptions) {
  const database = await template.clone(`after_${++count}`)
  const run = await applyMigrations(database, files, options)
  const kinds = findingsOfMigrations(run, files).map(({ kind }) => kind)
  return { database, run, kinds, first: run.migrations[0] }
}

async function one<T>({ database }: Pick<Applied, 'database'>, sql: string): Promise<T | undefined> {
  await using admin = await database.connect()
  return (await admin.query<{ value: T }>(sql)).rows[0]?.value
}

const people = 'select count(*)::int as value from public.people'

describe('a file that works', () => {
  it('is applied as role postgres, in one transaction, and recorded as the CLI records it', async () => {
    const sql =
      "-- why\ninsert into public.people values (3, 'Édith');\ncreate table public.made as select current_user::text as value;"
    const applied = await apply([file('201_make_it.sql', sql)])
    expect(applied.run.migrations).toMatchObject([
      {
        status: 'applied',
        atomic: true,
        statements: 2,
        rows: [
          { table: 'public.made', inserted: 1 },
          { table: 'public.people', inserted: 1, updated: 0, deleted: 0 },
        ],
      },
    ])
    expect(applied.kinds).toEqual([])
    expect(checksOfMigrations(applied.run)).toMatchObject([{ id: 'migrations.applied', status: 'passed' }])
    expect(await one(applied, 'select value from public.made')).toBe('postgres')
    expect(await readHistory(applied.database)).toEqual([
      {
        version: '201',
        name: 'make_it',
        statements: [
          "-- why\ninsert into public.people values (3, 'Édith')",
          'create table public.made as select current_user::text as value',
        ],
      },
    ])
  })

  it('starts with the settings of the role, whatever the file before it set', async () => {
    const applied = await apply([
      file('201_a.sql', "set search_path = ''; set statement_timeout = '1s'"),
      file('202_b.sql', "create table made as select current_setting('statement_timeout') as value"),
    ])
    expect(await one(applied, 'select value from public.made')).toBe('0')
  })

  it('counts only its own rows', async () => {
    const { run } = await apply([
      file('201_a.sql', "insert into public.people values (3, 'x')"),
      file('202_b.sql', 'delete from public.people where id = 3; update public.people set name = upper(name)'),
    ])
    expect(run.migrations[1]?.rows).toEqual([{ table: 'public.people', inserted: 0, updated: 2, deleted: 1 }])
  })

  it('is not recorded when production keeps no history', async () => {
    const { database } = await apply([file('201_a.sql', 'select 1')], { record: false })
    expect(await readHistory(database)).toBeUndefined()
  })

  it('is applied beside another one of its number', async () => {
    const applied = await apply([
      file('204_a.sql', 'delete from public.people where id = 1'),
      file('204_b.sql', 'delete from public.people where id = 2'),
    ])
    expect(applied.run.migrations.map(({ status }) => status)).toEqual(['applied', 'applied'])
    expect(await one(applied, people)).toBe(0)
  })
})

describe('a file that fails', () => {
  it('is rolled back, with line, column, caret and hint; the files after it are not run', async () => {
    const sql = "delete from public.people;\n\nupdate public.people\n   set näme_😀 = 1, nam = 'x';\n"
    const applied = await apply([file('201_a.sql', sql), file('202_b.sql', 'select 1')])
    const { failure } = applied.first ?? {}
    expect(failure).toMatchObject({ sqlstate: '42703', line: 4, column: 8 })
    expect(failure?.excerpt).toBe(
      "  2 | \n  3 | update public.people\n> 4 |    set näme_😀 = 1, nam = 'x';\n    |        ^\n  5 |".replace(
        '  2 | ',
        '  2 |',
      ),
    )
    expect(applied.run.migrations[1]).toMatchObject({ status: 'not run' })
    expect(applied.kinds).toEqual(['migration.failed'])
    expect(checksOfMigrations(applied.run)).toMatchObject([{ status: 'failed', numbers: { notRun: 1 } }])
    expect(await one(applied, people)).toBe(2)
    expect(await readHistory(applied.database)).toBeUndefined()
  })

  it('counts characters as Postgres does', async () => {
    const { first } = await apply([file('201_a.sql', "select '😀😀', wrong")])
    expect(first?.failure).toMatchObject({ line: 1, column: 16 })
  })

  it('keeps the hint', async () => {
    const { first } = await apply([file('201_a.sql', 'select p.nam from public.people p')])
    expect(first?.failure?.hint).toContain('p.name')
  })

  it('points into a DO block at the line that ran', async () => {
    const sql = 'select 1;\ndo $$\nbegin\n  perform 1;\n  perform 1 / 0;\nend $$;'
    const { first } = await apply([file('201_a.sql', sql)])
    expect(first?.failure).toMatchObject({ sqlstate: '22012', line: 5, column: 3 })
  })

  it('does not take a position inside of a function for one in the file', async () => {
    const sql =
      "create function public.f() returns void language plpgsql as 'begin execute ''select 1 from  nowhere''; end';\n\n  select public.f();"
    const { first } = await apply([file('201_a.sql', sql)])
    expect(first?.failure).toMatchObject({ sqlstate: '42P01', line: 3, column: 3 })
  })

  it('shows no value of a row', async () => {
    const texts = await Promise.all(
      [
        'select name::int from public.people',
        "do $$ begin raise exception 'no % for % people', (select name from public.people where id = 1), 2; end $$",
        'do $$ declare m text := (select name from public.people where id = 1); begin raise exception using message = m; end $$',
        'do $$ begin assert false, (select name from public.people where id = 1); end $$',
        'alter table public.people add unique (name); insert into public.people select id + 10, name from public.people',
      ].map(async (sql) => JSON.stringify((await apply([file('201_a.sql', sql)])).first?.failure)),
    )
    expect(texts.join('\n')).not.toMatch(/Ada|Lovelace/)
    expect(texts[0]).toContain('invalid input syntax for type integer')
    expect(texts[1]).toContain('no … for … people')
    expect(texts[4]).toContain('people_name_key')
  })

  it('that ends its own session is a failure, and the rest is not run', async () => {
    const applied = await apply([
      file('201_a.sql', 'delete from public.people;\nselect pg_terminate_backend(pg_backend_pid());'),
      file('202_b.sql', 'select 1'),
    ])
    expect(applied.first?.failure).toMatchObject({ sqlstate: '57P01', line: 2 })
    expect(applied.first?.failure?.message).toContain('ended its own session')
    expect(applied.run.migrations[1]?.status).toBe('not run')
    expect(await one(applied, people)).toBe(2)
  })

  it('that takes too long is cancelled', async () => {
    const { first } = await apply([file('201_a.sql', 'set statement_timeout = 0;\nselect pg_sleep(60)')], {
      statementTimeout: 300,
    })
    expect(first?.failure).toMatchObject({ sqlstate: '57014', line: 2 })
    expect(first?.failure?.message).toContain('more than 0.3 s')
  })

  it('is given up when the run is stopped', async () => {
    const signal = AbortSignal.timeout(300)
    await expect(apply([file('201_a.sql', 'select pg_sleep(60)')], { signal })).rejects.toMatchObject({
      code: 'aborted',
    })
  })

  it('at COMMIT, by a deferred constraint, is rolled back', async () => {
    const sql = `create table public.child (person int references public.people deferrable initially deferred);
insert into public.child values (99)`
    const { first, kinds } = await apply([file('201_a.sql', sql)])
    expect(first?.failure).toMatchObject({ sqlstate: '23503', line: 2 })
    expect(kinds).toEqual(['migration.failed'])
  })

  it('because its role may not write the history is told so', async () => {
    const { first } = await apply([file('201_a.sql', 'set role anon')])
    expect(first?.failure?.message).toContain('its history could not be written')
  })
})

describe('transactions', () => {
  it('a statement that must run alone, with others beside it, makes the file not atomic', async () => {
    const sql = "update public.people set name = 'x' where id = 1;\ncreate index concurrently i on public.people (nam);"
    const applied = await apply([file('201_a.sql', sql)])
    expect(applied.kinds).toEqual(['migration.failed', 'migration.not-atomic'])
    expect(await one(applied, "select count(*)::int as value from public.people where name = 'x'")).toBe(1)
  })

  it('a statement that must run alone, in a file of its own, leaves no parts', async () => {
    const sql = "set lock_timeout = '1s';\ncreate index concurrently i on public.people (name);"
    const { first, kinds } = await apply([file('201_a.sql', sql)])
    expect([first?.status, first?.atomic, kinds]).toEqual(['applied', false, []])
  })

  it('BEGIN and COMMIT around the whole file are respected', async () => {
    const sql = 'begin;\ndelete from public.people where id = 1;\nupdate public.people set nam = 1;\ncommit;'
    const applied = await apply([file('201_a.sql', sql)])
    expect([applied.first?.atomic, applied.first?.failure?.line, applied.kinds]).toEqual([
      true,
      3,
      ['migration.failed'],
    ])
    expect(await one(applied, people)).toBe(2)
  })

  it('several transactions of its own make the file not atomic', async () => {
    const sql = 'begin; delete from public.people where id = 1; commit; begin; delete from public.people; commit;'
    const { kinds, database } = await apply([file('201_a.sql', sql)])
    expect(kinds).toEqual(['migration.not-atomic'])
    expect(await readHistory(database)).toHaveLength(1)
  })

  it.each([
    ['a COMMIT in the middle', 'delete from public.people;\ncommit;\nselect 1', 2, '25P01'],
    ['an end with the transaction open', 'select 1;\nbegin;\ndelete from public.people', 2, '25001'],
    ['a ROLLBACK of its own work', 'begin;\ndelete from public.people;\nrollback', 3, '40000'],
    ['COMMIT AND CHAIN', 'begin;\ndelete from public.people where false;\ncommit and chain', 3, '25001'],
  ])('%s is a failure', async (_, sql, line, sqlstate) => {
    const applied = await apply([file('201_a.sql', sql)])
    expect(applied.first?.failure).toMatchObject({ line, sqlstate })
    expect(await one(applied, people)).toBe(2)
    expect(await readHistory(applied.database)).toBeUndefined()
  })
})
