import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { RestoreRun } from '../model/restore-run.ts'
import { writeArchive } from './archive/write-archive.ts'
import type { TocEntry } from './dump.ts'
import { checksOfRestore, findingsOfRestore } from './findings.ts'
import { catalogue, fingerprints, query } from './native/database-content.ts'
import { readDump } from './read-dump.ts'
import { type RestoreProgress, restore } from './restore.ts'
import { testEntry } from './test-entry.ts'

const fixtures = new URL('../../fixtures/dumps/', import.meta.url)
const odd = fileURLToPath(new URL('odd.dump', fixtures))

let cluster: Cluster
let folder: string
let source: Database
let copies = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-restore-'))
  cluster = await startTestCluster()
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true })
})

async function restoreFile(path: string): Promise<{ database: Database; run: RestoreRun }> {
  const database = await cluster.createDatabase(`copy_${copies++}`)
  return { database, run: await restore(await readDump(path), database) }
}

describe('a small dump of what dumps go wrong on', () => {
  let run: RestoreRun
  let copy: Database
  beforeAll(async () => {
    // First: the roles that it names are not on the server yet.
    ;({ run, database: copy } = await restoreFile(odd))
    source = await cluster.createDatabase('source')
    await using connection = await source.connect()
    const sql = await readFile(new URL('odd.sql', fixtures), 'utf8')
    await connection.query(sql.replaceAll(/^CREATE ROLE .*$/gm, ''))
  })

  test('every entry has its fate, in the order of the table of contents', async () => {
    const { entries } = await readDump(odd)
    expect(run.entries.map((entry) => entry.id)).toEqual(entries.map((entry) => entry.id))
    expect(run.entries.filter((entry) => entry.fate !== 'restored').map(({ type, fate }) => `${type} ${fate}`)).toEqual(
      ['DATABASE stubbed', 'USER MAPPING stubbed', 'SUBSCRIPTION stubbed'],
    )
    expect(run.rolesCreated).toEqual(['Odd "Owner"', 'odd_reader'])
  })

  test('every row is there, value for value', async () => {
    expect(await fingerprints(copy)).toEqual(await fingerprints(source))
    expect(run.tables).toHaveLength(9)
    expect(run.tables.every((table) => table.rowsInArchive === table.rowsLoaded)).toBe(true)
    expect(run.tables.find((table) => table.name === 'no_columns')?.rowsLoaded).toBe(2)
  })

  test('owners, grants, constraints, indexes and policies are as they were', async () => {
    expect(await catalogue(copy)).toEqual(await catalogue(source))
  })

  test('large objects have their content and their owner', async () => {
    const sql = `SELECT oid, lomowner::regrole, lomacl::text, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid`
    expect(await query(copy, sql)).toEqual(await query(source, sql))
  })

  test('materialized views are filled, the next one after the one that it reads', async () => {
    expect(await query(copy, 'SELECT * FROM odd.a_summary_of_it')).toEqual(
      await query(source, 'SELECT * FROM odd.a_summary_of_it'),
    )
  })

  test('no subscription and no login on another server comes along', async () => {
    expect(
      await query(
        copy,
        'SELECT 1 FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
      ),
    ).toEqual([])
    expect(await query(copy, 'SELECT 1 FROM pg_user_mappings')).toEqual([])
  })

  test('the event trigger is there, and acted on nothing of the restore', async () => {
    await expect(query(copy, 'CREATE TABLE public.later ()')).rejects.toThrow('fired during the restore')
  })

  test('what is read has statistics', async () => {
    expect(await query(copy, "SELECT reltuples FROM pg_class WHERE oid = 'odd.measured_rest'::regclass")).toEqual([
      { reltuples: 30 },
    ])
  })

  test('its checks pass and its findings name the roles made', () => {
    expect(checksOfRestore(run).map((check) => check.status)).toEqual(['passed', 'passed'])
    expect(findingsOfRestore(run).map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'restore.role-created Odd "Owner"',
      'restore.role-created odd_reader',
    ])
  })

  test('a server of another major version is told, another minor one is not', () => {
    const of = (from: string) =>
      findingsOfRestore({ ...run, dump: { ...run.dump, serverVersion: from }, serverVersion: '17.10' })
        .filter(({ kind }) => kind !== 'restore.role-created')
        .map(({ kind, title }) => `${kind}: ${title}`)
    expect(of('15.8')).toEqual([
      'restore.newer-server: Production ran on PostgreSQL 15.8 when it was dumped, the rehearsal runs on 17.10.',
    ])
    expect(of('17.6')).toEqual([])
    expect(of('')).toEqual([])
  })
})

describe('entries that fail', () => {
  const entry = (id: number, type: string, more: Partial<TocEntry>) => testEntry({ id, type, name: `n${id}`, ...more })
  const table = (id: number, columns: string) =>
    entry(id, 'TABLE', { definition: `CREATE TABLE public.n${id} (${columns});\n` })
  const data = (id: number, of: number, rows: string) => ({
    ...entry(id, 'TABLE DATA', {
      section: 'data',
      name: `n${of}`,
      dependencies: [of],
      copyStatement: `COPY public.n${of} FROM stdin;\n`,
    }),
    rows: `${rows}\\.\n\n\n`,
  })

  test('rows that break a constraint are told as missing, and the constraint as not there', async () => {
    const path = join(folder, 'broken.dump')
    const entries = [
      table(1, 'a int CHECK (a > 0)'),
      table(2, 'a int PRIMARY KEY'),
      table(3, 'a int'),
      data(4, 1, '1\n-1\n'),
      data(5, 2, '1\n'),
      data(6, 3, '1\n2\n2\n'),
      entry(7, 'CONSTRAINT', {
        section: 'post-data',
        definition: 'ALTER TABLE ONLY public.n3 ADD CONSTRAINT u UNIQUE (a);\n',
        dependencies: [3],
      }),
      entry(8, 'FK CONSTRAINT', {
        section: 'post-data',
        definition: 'ALTER TABLE ONLY public.n3 ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.n2;\n',
        dependencies: [2, 3],
      }),
    ]
    await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries }))
    const { run, database } = await restoreFile(path)
    expect(
      run.entries.filter(({ fate }) => fate !== 'restored').map(({ id, fate, reason }) => [id, fate, reason]),
    ).toEqual([
      [4, 'failed', expect.stringMatching(/^23514: .*check constraint "n1_a_check"/)],
      [7, 'failed', '23505: could not create unique index "u"'],
      [8, 'failed', expect.stringMatching(/^23503: .*foreign key constraint "f"/)],
    ])
    expect(run.tables.find(({ name }) => name === 'n1')).toMatchObject({ rowsInArchive: 2, rowsLoaded: 0 })
    expect(await query(database, 'SELECT count(*)::int FROM public.n3')).toEqual([{ count: 3 }])
    expect(findingsOfRestore(run).map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'restore.entry-failed public.n1',
      'restore.entry-failed public.n7',
      'restore.entry-failed public.n8',
      'restore.rows-missing public.n1',
    ])
  })

  test('dependencies that go in a circle, or lead nowhere, keep nothing from being restored', async () => {
    const path = join(folder, 'circle.dump')
    const entries = [
      { ...table(1, 'a int'), dependencies: [1, 2, 77] },
      { ...table(2, 'a int'), dependencies: [1] },
      { ...data(3, 1, '1\n'), dependencies: [1, 4, 3] },
      { ...data(4, 2, '1\n'), dependencies: [2, 3] },
      entry(5, 'INDEX', {
        section: 'post-data',
        definition: 'CREATE INDEX n5 ON public.n1 (a);\n',
        dependencies: [1, 6],
      }),
      entry(6, 'INDEX', {
        section: 'post-data',
        definition: 'CREATE INDEX n6 ON public.n2 (a);\n',
        dependencies: [2, 5],
      }),
    ]
    await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries }))
    const { run } = await restoreFile(path)
    expect(run.entries.map(({ fate }) => fate)).toEqual(entries.map(() => 'restored'))
    expect(checksOfRestore(run).map((check) => check.status)).toEqual(['passed', 'passed'])
  })

  test('keep nothing else from being restored, and each is told with its reason', async () => {
    const path = join(folder, 'failing.dump')
    const entries = [
      table(1, 'a int'),
      table(2, 'a no_such_type'),
      table(3, 'a int PRIMARY KEY'),
      entry(4, 'EXTENSION', {
        name: 'no_such_extension',
        definition: 'CREATE EXTENSION no_such_extension;\n',
        section: 'pre-data',
      }),
      entry(5, 'TABLE', { definition: 'CREATE TABLE public.n5 (a no_such_extension.t);\n', dependencies: [4] }),
      data(6, 1, '1\nsecret@example.org\n'),
      data(7, 2, '1\n2\n3\n'),
      data(8, 3, '1\n2\n'),
      entry(9, 'INDEX', {
        section: 'post-data',
        definition: 'CREATE INDEX n9 ON public.n3 (nothing);\n',
        dependencies: [3],
      }),
      entry(10, 'INDEX', {
        section: 'post-data',
        definition: 'CREATE INDEX n10 ON public.n3 (a);\n',
        dependencies: [3],
      }),
      entry(11, 'ACL', {
        section: 'none',
        name: 'FUNCTION armor(bytea)',
        definition: 'GRANT ALL ON FUNCTION public.armor(bytea) TO PUBLIC;\n',
        dependencies: [99],
      }),
    ]
    await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries }))
    const { run, database } = await restoreFile(path)
    expect(run.entries.map(({ id, fate, reason }) => [id, fate, reason])).toEqual([
      [1, 'restored', undefined],
      [2, 'failed', '42704: type "no_such_type" does not exist'],
      [3, 'restored', undefined],
      [4, 'refused', 'This server cannot create extension no_such_extension.'],
      [5, 'refused', 'It needs extension no_such_extension, which this server cannot create.'],
      [6, 'failed', '22P02: invalid input syntax for type integer (line 2, column a)'],
      [7, 'refused', 'It needs TABLE public.n2, which was not restored.'],
      [8, 'restored', undefined],
      [9, 'failed', '42703: column "nothing" does not exist'],
      [10, 'restored', undefined],
      [11, 'stubbed', expect.stringContaining('member of an extension')],
    ])
    expect(run.tables.map(({ name, rowsInArchive, rowsLoaded }) => [name, rowsInArchive, rowsLoaded]).sort()).toEqual([
      ['n1', 2, 0],
      ['n2', 3, 0],
      ['n3', 2, 2],
    ])
    expect(await query(database, 'SELECT count(*)::int FROM public.n3')).toEqual([{ count: 2 }])
    expect(checksOfRestore(run).map((check) => check.status)).toEqual(['failed', 'failed'])
    const findings = findingsOfRestore(run)
    expect(new Set(findings.map((finding) => finding.kind))).toEqual(
      new Set(['restore.entry-failed', 'restore.entry-refused', 'restore.rows-missing']),
    )
    expect(JSON.stringify([run, findings])).not.toContain('secret@')
  })

  test('data that does not unpack stops the restore, and says so', async () => {
    const path = join(folder, 'corrupt.dump')
    const rows = '1\n'.repeat(20_000)
    const archive = writeArchive({ minor: 16, compression: 'gzip', entries: [table(1, 'a int'), data(2, 1, rows)] })
    archive.fill(0xff, archive.length - 20, archive.length - 10)
    await writeFile(path, archive)
    await expect(restoreFile(path)).rejects.toMatchObject({ code: 'dump.corrupt' })
  })

  test('a restore stops when it is told to', async () => {
    const database = await cluster.createDatabase('stopped')
    await expect(restore(await readDump(odd), database, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})

test('a restore that is stopped in the middle leaves no session behind', async () => {
  const database = await cluster.createDatabase('cut')
  const controller = new AbortController()
  const onProgress = ({ phase }: RestoreProgress) => phase === 'load' && controller.abort()
  await expect(restore(await readDump(odd), database, { signal: controller.signal, onProgress })).rejects.toMatchObject(
    {
      code: 'aborted',
    },
  )
  await expect(cluster.database('cut').drop()).resolves.toBeUndefined()
  expect(await query(source, "SELECT 1 FROM pg_stat_activity WHERE datname = 'cut'")).toEqual([])
})
