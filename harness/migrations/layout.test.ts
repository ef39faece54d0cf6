import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { readMigrations } from './discover.ts'
import { type OtherLayout, readOtherHistory } from './other-history.ts'
import { selectOtherPending } from './other-pending.ts'

let cluster: Cluster
let empty: Database
let root = ''
let count = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  empty = await cluster.createDatabase('empty')
  root = await mkdtemp(join(tmpdir(), 'greenlight-layouts-'))
})
afterAll(async () => {
  await cluster.stop()
  await rm(root, { recursive: true })
})

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(root, String(++count))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return directory
}

async function select(files: Readonly<Record<string, string>>, history: string, baseline?: string) {
  const { files: read, layout, skipped } = await readMigrations(await folder(files))
  await using database = await empty.clone(`db_${++count}`)
  await using admin = await database.connect()
  await admin.query(history)
  const noted = await readOtherHistory(database, layout as OtherLayout)
  const selection = selectOtherPending(read, layout as OtherLayout, noted, baseline)
  return {
    layout,
    skipped,
    pending: selection.pending.map(({ name }) => name),
    findings: selection.findings.map(({ kind, object }) => `${kind} ${object}`),
  }
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const journal = (...entries: (readonly [string, number])[]) =>
  JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: entries.map(([tag, when], idx) => ({ idx, tag, when, version: '7', breakpoints: true })),
  })

describe('drizzle', () => {
  const files = (...entries: (readonly [string, number])[]) => ({
    '0000_a.sql': 'select 1;--> statement-breakpoint\nselect 2;',
    '0001_b.sql': 'select 3;',
    '0002_c.sql': 'select 4;',
    'meta/_journal.json': journal(...entries),
  })
  const noted = (hash: string, when: number) =>
    `create schema drizzle; create table drizzle.__drizzle_migrations (id serial, hash text not null, created_at bigint);
     insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash}', ${when})`

  it('runs in the order of its journal what is newer than production; what the journal does not name is skipped', async () => {
    const selected = await select(
      files(['0000_a', 100], ['0001_b', 200]),
      noted(sha('select 1;--> statement-breakpoint\nselect 2;'), 100),
    )
    expect(selected).toEqual({
      layout: 'drizzle',
      skipped: [
        { name: 'meta', reason: 'a folder' },
        { name: '0002_c.sql', reason: 'not in meta/_journal.json' },
      ],
      pending: ['0001_b.sql'],
      findings: [],
    })
  })

  it('tells an edited file by its hash, and one that never runs since it is too old', async () => {
    const selected = await select(files(['0000_a', 100], ['0001_b', 90], ['0002_c', 300]), noted(sha('other'), 100))
    expect(selected.pending).toEqual(['0002_c.sql'])
    expect(selected.findings).toEqual([
      'migration.edited-after-applied 0000_a.sql',
      'migration.out-of-order 0001_b.sql',
    ])
  })

  it('refuses a journal that names a file that is not there, or is none', async () => {
    const broken = await folder({ '0000_a.sql': 'select 1', 'meta/_journal.json': journal(['0001_x', 1]) })
    await expect(readMigrations(broken)).rejects.toMatchObject({ code: 'migrations.not-found' })
    const none = await folder({ '0000_a.sql': 'select 1', 'meta/_journal.json': '{}' })
    await expect(readMigrations(none)).rejects.toMatchObject({ code: 'migrations.unparsable' })
  })
})

describe('prisma', () => {
  const files = {
    '20240101000000_a/migration.sql': 'select 1;',
    '20240102000000_b/migration.sql': 'select 2;',
    '20240103000000_c/migration.sql': 'select 3;',
    'migration_lock.toml': 'provider = "postgresql"',
  }
  const table =
    'create table public._prisma_migrations (id text, checksum text, finished_at timestamptz, migration_name text, rolled_back_at timestamptz);'
  const row = (name: string, text: string, ended: string, undone = 'null') =>
    `insert into public._prisma_migrations values ('x', '${sha(text)}', ${ended}, '${name}', ${undone});`

  it('is folders with a migration.sql; pending is what did not end or was taken back', async () => {
    const selected = await select(
      files,
      table + row('20240101000000_a', 'select 1;', 'now()') + row('20240102000000_b', 'select 2;', 'null', 'now()'),
    )
    expect(selected).toMatchObject({ layout: 'prisma', findings: [] })
    expect(selected.pending).toEqual(['20240102000000_b/migration.sql', '20240103000000_c/migration.sql'])
  })

  it('tells an edited file by its checksum, one that failed, and one without a folder', async () => {
    const { findings } = await select(
      files,
      table +
        row('20240101000000_a', 'edited', 'now()') +
        row('20240102000000_b', 'select 2;', 'null') +
        row('20230101000000_z', '', 'now()'),
    )
    expect(findings).toEqual([
      'migration.edited-after-applied 20240101000000_a/migration.sql',
      'migration.failed 20240102000000_b/migration.sql',
      'migration.missing-file public._prisma_migrations',
    ])
  })
})

describe('dbmate', () => {
  const file = (sql: string) => `-- migrate:up\n${sql};\n-- migrate:down\nselect 'down';\n`
  const files = {
    '20240101_a.sql': file('select 1'),
    '20240102_b.sql': file('select 2'),
    '20240103_c.sql': file('select 3'),
  }
  const table = 'create table public.schema_migrations (version varchar(128) primary key);'

  it('applies every version that is not noted, older ones too', async () => {
    const selected = await select(files, `${table} insert into public.schema_migrations values ('20240102')`)
    expect(selected).toMatchObject({ layout: 'dbmate', pending: ['20240101_a.sql', '20240103_c.sql'], findings: [] })
  })

  it('takes a baseline where there is no history, and refuses when nothing is pending', async () => {
    expect((await select(files, 'select 1', '20240102')).pending).toEqual(['20240103_c.sql'])
    await expect(select(files, 'select 1', '20240103')).rejects.toMatchObject({ code: 'migrations.empty' })
  })
})

it('node-pg-migrate notes names without their ending, and minds the order', async () => {
  const file = '-- Up Migration\nselect 1;\n-- Down Migration\nselect 2;\n'
  const selected = await select(
    { '1700000000000_a.sql': file, '1700000000001_b.sql': file, '1700000000002_c.sql': file },
    "create table public.pgmigrations (id serial, name text, run_on timestamp); insert into public.pgmigrations (name) values ('1700000000001_b')",
  )
  expect(selected).toMatchObject({
    layout: 'node-pg-migrate',
    pending: ['1700000000000_a.sql', '1700000000002_c.sql'],
    findings: ['migration.out-of-order 1700000000000_a.sql'],
  })
})
