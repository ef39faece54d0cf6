import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { applyMigrations } from './apply.ts'
import { permittedOnPlatform } from './platform-rights.ts'
import { splitSql } from './split.ts'

let cluster: Cluster
let database: Database
beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('app')
  await preparePlatformSchemas(database)
  await using admin = await database.connect()
  // As on the platform since 2025: role postgres is no member of the owners of auth and storage.
  await admin.query('revoke supabase_storage_admin, supabase_auth_admin from postgres')
})
afterAll(() => cluster.stop())

async function apply(sql: string) {
  const file: MigrationFile = {
    name: 'x.sql',
    path: 'x.sql',
    version: '',
    sql,
    sha256: '',
    statements: splitSql(sql).statements,
  }
  const { migrations } = await applyMigrations(database, [file])
  return migrations[0]
}

async function count(sql: string): Promise<number | undefined> {
  await using admin = await database.connect()
  return (await admin.query<{ count: number }>(`select count(*)::int as count from ${sql}`)).rows[0]?.count
}

describe('what the platform permits and a plain server denies', () => {
  it('a policy on storage.objects is made as superuser, in the transaction, and noted', async () => {
    const policy =
      "-- photos\ncreate policy photos on storage.objects for select to authenticated using (bucket_id = 'x');"
    expect(await apply(`select 1;\n${policy}`)).toMatchObject({
      status: 'applied',
      elevated: [{ line: 3, column: 1, right: 'a policy on storage.objects' }],
    })
    expect(await count("pg_policies where policyname = 'photos'")).toBe(1)
    expect(await count("pg_namespace where nspname like 'greenlight%'")).toBe(0)
    expect(await apply('drop policy photos on storage.objects')).toMatchObject({ status: 'applied' })
  })

  it('a policy is rolled back with the file', async () => {
    const run = await apply('create policy gone on storage.objects for select using (true);\nselect wrong')
    expect(run).toMatchObject({ status: 'failed', failure: { line: 2 } })
    expect(await count("pg_policies where policyname = 'gone'")).toBe(0)
  })

  it('an event trigger and an extension of the platform are made', async () => {
    const run = await apply(`create function public.on_ddl() returns event_trigger language plpgsql as 'begin end';
create event trigger watch on ddl_command_end execute function public.on_ddl();
create extension postgres_fdw;
drop event trigger watch;`)
    expect(run?.failure).toBeUndefined()
    expect(run?.elevated?.map(({ right }) => right)).toEqual([
      'an event trigger',
      'extension postgres_fdw',
      'an event trigger',
    ])
  })

  it('the error of such a statement is shown at its line, where Postgres gives no position', async () => {
    const run = await apply('select 1;\ncreate policy p on storage.objects\n  using (wrong);')
    expect(run?.failure).toMatchObject({ sqlstate: '42703', line: 2, column: 1 })
  })
})

describe('what the platform denies, too', () => {
  it.each([
    ['alter table storage.objects disable row level security', 'must be owner'],
    ['alter table auth.users add column x int', 'must be owner'],
    ['create policy p on auth.schema_migrations using (true)', 'must be owner'],
    ['create extension adminpack_of_nobody', 'not available'],
    ['create extension file_fdw', 'permission denied'],
    ['do $$ begin create policy p on storage.objects using (true); end $$', 'must be owner'],
    ['set role anon; create policy p on storage.objects using (true)', 'must be owner'],
  ])('%s', async (sql, message) => {
    const run = await apply(sql)
    expect(run).toMatchObject({ status: 'failed' })
    expect(run?.failure?.message).toContain(message)
    expect(run?.elevated).toBeUndefined()
  })

  it('is to become superuser', async () => {
    const run = await apply(
      'create policy p on storage.objects using (true);\nset session authorization supabase_admin',
    )
    expect(run).toMatchObject({ status: 'failed', failure: { sqlstate: '42501', line: 2 } })
    const reset =
      "reset session authorization; do $$ begin if (select rolsuper from pg_roles where rolname = current_user) then raise 'superuser'; end if; end $$"
    expect(await apply(reset)).toMatchObject({ status: 'applied' })
  })
})

it.each([
  ['alter policy p on storage.objects rename to q', 'a policy on storage.objects'],
  ['create trigger t after insert on auth.users for each row execute function f()', 'a trigger on auth.users'],
  ['drop trigger t on auth.users', 'a trigger on auth.users'],
  ['drop trigger t on public.x', undefined],
  ['create trigger t after insert on storage.objects for each row execute function f()', undefined],
  ['create policy p on objects using (true)', undefined],
  ['create policy p on storage.objects using (true); drop table x', undefined],
  ['comment on policy p on storage.objects is null', 'a policy on storage.objects'],
  ['alter extension pg_net set schema extensions', 'extension pg_net'],
  ['alter extension "uuid-ossp" update', 'extension uuid-ossp'],
  ['drop extension if exists pg_net, plperlu', undefined],
  ['create publication p for all tables', 'a publication for all tables'],
  ['create publication p for table x', undefined],
  ['create foreign data wrapper w', 'a foreign data wrapper'],
])('permits %j as %j', async (sql, right) => expect(await permittedOnPlatform(sql)).toBe(right))
