import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { applyMigrations } from './apply.ts'
import { readMigrations } from './discover.ts'
import { readExpectations } from './expectations.ts'
import { readHistory } from './history.ts'
import { applyRollback, checksOfRollback, findingsOfRollback, readRollback } from './rollback.ts'

const planner = fileURLToPath(new URL('../../fixtures/planner', import.meta.url))
let cluster: Cluster
let app: Database
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'greenlight-rollback-'))
  cluster = await startTestCluster()
  app = await cluster.createDatabase('app')
  await preparePlatformSchemas(app)
  await using admin = await app.connect()
  // As after a restore, which leaves these out: on a plain server they would not run as the superuser.
  await admin.query(`drop event trigger issue_pg_cron_access; drop event trigger issue_pg_net_access`)
  await using owner = await app.connect({ role: 'postgres' })
  await owner.query('create extension if not exists pgcrypto with schema extensions')
  await owner.query(await readFile(join(planner, 'production/app.sql'), 'utf8').then(withoutBuckets))
})
afterAll(async () => {
  await cluster.stop()
  await rm(directory, { recursive: true })
})

/** The rows of a bucket are the dump's business, not this test's. */
function withoutBuckets(sql: string): string {
  return sql.replace(/^insert into storage\.buckets.*$/m, '')
}

const tables =
  "select coalesce(string_agg(relname, ',' order by relname), '') as value from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"

async function one(database: Database, sql: string): Promise<string | undefined> {
  await using admin = await database.connect()
  return (await admin.query<{ value: string }>(sql)).rows[0]?.value
}

it("the planner's migrations apply, and its scripts take them back", async () => {
  const after = await app.clone('after_planner')
  const { files } = await readMigrations(join(planner, 'migrations'))
  expect((await readExpectations(files)).length).toBeGreaterThan(0)
  const before = await one(after, tables)
  const run = await applyMigrations(after, files)
  expect(run.migrations.filter(({ status }) => status !== 'applied')).toEqual([])
  const folder = await readRollback(join(planner, 'rollback'), files)
  const rollback = await applyRollback(after, folder, files)
  expect(rollback.scripts.map(({ name }) => name)).toEqual(files.map(({ name }) => name).toReversed())
  expect(rollback.scripts.filter(({ status }) => status !== 'applied')).toEqual([])
  expect(findingsOfRollback(rollback, folder)).toEqual([])
  expect(checksOfRollback(rollback)).toMatchObject([{ id: 'rollback.applied', status: 'passed' }])
  expect(await one(after, tables)).toBe(before)
  const versions = (await readHistory(after))?.map(({ version }) => version) ?? []
  expect(versions.filter((version) => files.some((file) => file.version === version))).toEqual([])
})

describe('scripts', () => {
  const write = async (folder: string, files: Readonly<Record<string, string>>) => {
    const path = await mkdtemp(join(directory, folder))
    for (const [name, sql] of Object.entries(files)) await writeFile(join(path, name), sql)
    return path
  }

  it('that fail end the way back, are rolled back, and block', async () => {
    const migrations = await readMigrations(
      await write('m', {
        '301_a.sql': 'create table public.a ()',
        '302_b.sql': 'create table public.b ()',
        '303_c.sql': 'create table public.c ()',
      }),
    )
    const path = await write('r', {
      '301_a.sql': 'drop table public.a',
      '302_b.sql': 'drop table public.b;\ndrop table public.wrong',
      '303_c.sql': 'drop table public.c',
    })
    const after = await app.clone('after_failing')
    await applyMigrations(after, migrations.files)
    const folder = await readRollback(path, migrations.files)
    const run = await applyRollback(after, folder, migrations.files)
    expect(run.scripts).toMatchObject([
      { name: '303_c.sql', status: 'applied' },
      { name: '302_b.sql', status: 'failed', failure: { line: 2, sqlstate: '42P01' } },
      { name: '301_a.sql', status: 'not run' },
    ])
    expect(findingsOfRollback(run, folder)).toMatchObject([
      { kind: 'rollback.failed', object: '302_b.sql', where: { line: 2 } },
    ])
    expect(checksOfRollback(run)).toMatchObject([{ status: 'failed' }])
    expect((await readHistory(after))?.map(({ version }) => version)).toEqual(expect.arrayContaining(['301', '302']))
  })

  it('that are missing, or belong to no migration, are warnings', async () => {
    const migrations = await readMigrations(
      await write('m', { '301_add.sql': 'create table public.a ()', '302_b.sql': 'create table public.b ()' }),
    )
    const folder = await readRollback(
      await write('r', { '301_ad.sql': 'drop table public.a', '302_b.sql': 'drop table public.b' }),
      migrations.files,
    )
    const after = await app.clone('after_missing')
    await applyMigrations(after, migrations.files)
    const run = await applyRollback(after, folder, migrations.files)
    expect(run.scripts.map(({ status }) => status)).toEqual(['applied', 'missing'])
    expect(findingsOfRollback(run, folder)).toMatchObject([
      { kind: 'rollback.missing', object: '301_add.sql', fix: 'Rename 301_ad.sql to 301_add.sql.' },
      { kind: 'rollback.missing', object: '301_ad.sql', fix: 'Did you mean 301_add.sql?' },
    ])
  })

  it('cannot come from a folder that is not there', async () => {
    await expect(readRollback(join(directory, 'none'), [])).rejects.toMatchObject({ code: 'migrations.not-found' })
  })
})
