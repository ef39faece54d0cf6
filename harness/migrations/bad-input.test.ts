import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { applyMigrations } from './apply.ts'
import { findingsOfMigrations } from './outcome.ts'
import { testFile } from './test-files.ts'

let cluster: Cluster
let template: Database
let count = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('app')
  await preparePlatform(template)
  await using owner = await template.connect({ role: 'postgres' })
  await owner.query('create table public.people (id int primary key); insert into public.people values (1), (2)')
})
afterAll(() => cluster.stop())

async function apply(sql: string, statementTimeout?: number) {
  await using database = await template.clone(`after_${++count}`)
  const files = [testFile('201_x.sql', sql), testFile('202_y.sql', 'select 1')]
  const run = await applyMigrations(database, files, {
    trace: true,
    ...(statementTimeout === undefined ? {} : { statementTimeout }),
  })
  await using admin = await database.connect()
  const { rows } = await admin.query(
    "select count(*)::int as left from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
  )
  const people = await admin.query('select count(*)::int as n from public.people').catch(() => undefined)
  return {
    failure: run.migrations[0]?.failure,
    second: run.migrations[1]?.status,
    findings: findingsOfMigrations(run, files),
    left: rows[0].left,
    people: people?.rows[0].n,
  }
}

describe('a migration that cannot be had fails at its line, is taken back, and leaves nothing running', () => {
  it.each([
    ['drops its connection', 'delete from public.people;\nselect pg_terminate_backend(pg_backend_pid());', 2, '57P01'],
    ['ends its own transaction', 'delete from public.people;\ncommit;', 2, '25P01'],
    ['ends it in a block', 'delete from public.people;\ndo $$ begin commit; end $$;', 2, '2D000'],
    ['needs an extension that is nowhere', 'delete from public.people;\ncreate extension no_such_thing;', 2, '0A000'],
    ['runs a program', "delete from public.people;\ncopy public.people from program 'echo 3';", 2, '42501'],
    ['writes a file', "copy public.people to '/tmp/greenlight-never';", 1, '42501'],
  ])('one that %s', async (_, sql, line, sqlstate) => {
    const { failure, second, findings, left, people } = await apply(sql)
    expect(failure).toMatchObject({ line, sqlstate })
    expect(findings.map(({ kind }) => kind)).toEqual(['migration.failed'])
    expect([second, left, people]).toEqual(['not run', 0, 2])
  })

  it('one that waits for ever, with the statement and the limit', async () => {
    const { failure, left, people } = await apply('delete from public.people;\nselect pg_sleep(1000);', 400)
    expect(failure).toMatchObject({ line: 2, sqlstate: '57014' })
    expect(failure?.message).toContain('0.4 s')
    expect([left, people]).toEqual([0, 2])
  })
})

describe('guards that are switched off', () => {
  it.each([
    ["set session_replication_role = 'replica';\ndelete from public.people;", 1],
    ["select 1;\nselect set_config('session_replication_role', 'replica', true);", 2],
    ['-- why\nalter table public.people disable trigger all;', 2],
    ['set local row_security = off;', 1],
  ])('are told: %s', async (sql, line) => {
    const { findings } = await apply(sql)
    expect(findings).toMatchObject([{ kind: 'migration.guards-off', object: '201_x.sql', where: { line } }])
  })

  it.each([
    "set session_replication_role = 'origin'",
    'reset session_replication_role',
    'alter table public.people enable trigger all',
    "comment on table public.people is 'disable trigger'",
    'set row_security = on',
  ])('are not told where they stay on: %s', async (sql) => {
    expect((await apply(sql)).findings.filter(({ kind }) => kind === 'migration.guards-off')).toEqual([])
  })
})

it('a changed password keeps nobody out of what follows, and can be told', async () => {
  const hash = async () => {
    await using admin = await template.connect()
    return (await admin.query("select rolpassword from pg_authid where rolname = 'postgres'")).rows[0]
  }
  const was = await hash()
  const { failure } = await apply("alter role postgres password 'another'")
  expect(failure).toBeUndefined()
  expect(await hash()).not.toEqual(was)
  expect((await apply('select 1')).failure).toBeUndefined()
})

it('truncating, and renaming the schema public, apply: what they do is found by comparing', async () => {
  const truncated = await apply('truncate public.people')
  expect([truncated.failure, truncated.people]).toEqual([undefined, 0])
  const renamed = await apply('alter schema public rename to old')
  expect(renamed).toMatchObject({ failure: undefined, second: 'applied', left: 0, people: undefined })
})
