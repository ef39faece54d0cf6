import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { RestoreRun } from '../model/restore-run.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { writeArchive } from './archive/write-archive.ts'
import { checksOfRestore } from './findings.ts'
import { findNativeClient } from './native/client.ts'
import { catalogue, fingerprints, query } from './native/database-content.ts'
import { readDump } from './read-dump.ts'
import { restore } from './restore.ts'

let cluster: Cluster
let folder: string
let source: Database
let copies = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-archives-'))
  cluster = await startTestCluster()
  source = await cluster.createDatabase('source')
  await using connection = await source.connect()
  await connection.query(await readFile(new URL('../../fixtures/dumps/odd.sql', import.meta.url), 'utf8'))
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true })
})

async function restoreFile(path: string): Promise<{ database: Database; run: RestoreRun }> {
  const database = await cluster.createDatabase(`copy_${copies++}`)
  await preparePlatform(database)
  await using dump = await readDump(path)
  return { database, run: await restore(dump, database) }
}

const base = {
  section: 'pre-data',
  owner: '',
  definition: '',
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
} as const

test('the owner of the database is that of production, and default privileges come from the dump alone', async () => {
  const path = join(folder, 'owner.dump')
  const entries = [
    {
      ...base,
      id: 1,
      type: 'DATABASE',
      name: 'source',
      owner: 'their_owner',
      definition: 'CREATE DATABASE source;\n',
    },
    {
      ...base,
      id: 2,
      type: 'DEFAULT ACL',
      section: 'post-data',
      name: 'DEFAULT PRIVILEGES FOR TABLES',
      owner: 'their_owner',
      definition: 'ALTER DEFAULT PRIVILEGES FOR ROLE their_owner GRANT SELECT ON TABLES TO anon;\n',
    },
  ] as const
  await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries }))
  const { run, database } = await restoreFile(path)
  expect(run.entries.map(({ type, fate, reason }) => [type, fate, reason])).toEqual([
    ['DATABASE', 'stubbed', 'The copy has a database of its own, with the owner that production has.'],
    ['DEFAULT ACL', 'restored', undefined],
  ])
  expect(
    await query(database, 'SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = current_database()'),
  ).toEqual([{ owner: 'their_owner' }])
  expect(await query(database, 'SELECT defaclrole::regrole::text AS role FROM pg_default_acl')).toEqual([
    { role: 'their_owner' },
  ])
})

test('rows in another encoding are those of production, value for value', async () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  const base = {
    section: 'data',
    schema: 'public',
    owner: '',
    definition: '',
    dropStatement: '',
    dependencies: [],
  } as const
  const path = join(folder, 'latin1.dump')
  const entries = [
    {
      ...base,
      id: 1,
      type: 'ENCODING',
      section: 'pre-data',
      name: 'ENCODING',
      copyStatement: '',
      definition: "SET client_encoding = 'LATIN1';\n",
    },
    {
      ...base,
      id: 2,
      type: 'TABLE',
      section: 'pre-data',
      name: 'prénoms',
      copyStatement: '',
      definition: 'CREATE TABLE public."prénoms" (nom text DEFAULT \'zoë\');\n',
    },
    {
      ...base,
      id: 3,
      type: 'TABLE DATA',
      name: 'prénoms',
      dependencies: [2],
      copyStatement: 'COPY public."prénoms" (nom) FROM stdin;\n',
      rows: latin1('zoë\né\x80\n\\.\n\n\n'),
    },
  ] as const
  await writeFile(path, writeArchive({ minor: 14, compression: 'none', entries, textBytes: latin1 }))
  const { run, database } = await restoreFile(path)
  expect(run.entries.map(({ fate }) => fate)).toEqual(['restored', 'restored', 'restored'])
  expect(await query(database, 'SELECT nom FROM public."prénoms"')).toEqual([{ nom: 'zoë' }, { nom: 'é\u0080' }])
  await query(database, 'INSERT INTO public."prénoms" DEFAULT VALUES')
  expect(await query(database, 'SELECT count(*)::int FROM public."prénoms" WHERE nom = \'zoë\'')).toEqual([
    { count: 2 },
  ])
})

const client = await findNativeClient()
afterAll(() => client?.[Symbol.asyncDispose]())

describe.skipIf(!client)(
  'archives of pg_dump itself (needs PostgreSQL 17 on the path, or Docker with its image)',
  () => {
    test.each([
      ...['none', 'gzip:9', 'zstd', 'lz4:9', 'lz4'].map((method) => ['-Fc', `--compress=${method}`]),
      ...['none', 'gzip', 'zstd', 'lz4'].map((method) => ['-Fd', `--compress=${method}`]),
      ['-Ft', '--verbose'],
      ...['--inserts', '--column-inserts', '--rows-per-insert=3'].map((option) => ['-Fc', option]),
      ...['--inserts', '--column-inserts'].map((option) => ['-Fd', option]),
      ['-Ft', '--inserts'],
      ['-Fc', '--encoding=SQL_ASCII'],
    ])('%s %s are restored to the same database', async (format, option) => {
      const path = join(tmpdir(), `greenlight-${process.pid}-${copies}.dump`)
      const made = await client?.run('pg_dump', [format, option, '--file', path, 'source'], source)
      expect(made?.exitCode).toBe(0)
      try {
        const { run, database } = await restoreFile(path)
        expect(checksOfRestore(run).map((check) => check.status)).toEqual(['passed', 'passed'])
        expect(await fingerprints(database)).toEqual(await fingerprints(source))
        expect(await catalogue(database)).toEqual(await catalogue(source))
      } finally {
        await rm(path, { recursive: true })
      }
    })
  },
)
