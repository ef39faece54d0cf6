import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { findTools } from '../dump/native/tools.ts'
import { readDump } from '../dump/read-dump.ts'
import { restore } from '../dump/restore.ts'
import { compareFingerprints } from '../snapshot/fingerprints/compare.ts'
import { takeFingerprints } from '../snapshot/fingerprints/take.ts'
import { type Manifest, manifestName, readManifest } from './manifest.ts'
import type { Source } from './source.ts'
import { type CaptureOptions, capture } from './take.ts'

const here = await findTools(17, 'the test', []).catch(() => undefined)
await here?.[Symbol.asyncDispose]()

test('programs that are too old are refused, with what to do', async () => {
  await expect(findTools(99, 'A capture of PostgreSQL 99.1', [])).rejects.toMatchObject({
    code: 'client.unavailable',
    message: expect.stringMatching(/^A capture of PostgreSQL 99\.1 needs pg_dump .* Install postgresql-client-99/),
  })
})

describe.skipIf(!here)(`a capture (needs PostgreSQL 17's pg_dump on the path, or Docker with its image)`, () => {
  let cluster: Cluster
  let production: Database
  let folder: string
  let captures = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenlight-capture-'))
    cluster = await startTestCluster()
    production = await cluster.createDatabase('production')
    await query(production, tables)
  })
  afterAll(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true })
  })

  const source = (): Source => ({
    host: cluster.host,
    port: cluster.port,
    user: 'supabase_admin',
    database: 'production',
    password: cluster.password,
    sslMode: 'disable',
  })
  const take = async (options: Partial<CaptureOptions> = {}): Promise<{ out: string; manifest: Manifest }> => {
    const out = join(folder, `capture-${captures++}`)
    return { out, manifest: await capture({ source: source(), out, tool: 'test', ...options }) }
  }
  const restored = async (out: string): Promise<Database> => {
    const copy = await cluster.createDatabase(`copy_${captures++}`)
    await using dump = await readDump([out])
    await restore(dump, copy)
    return copy
  }
  const compare = async (manifest: Manifest, copy: Database) => {
    await using session = await copy.connect({ readOnly: true })
    return compareFingerprints(manifest.tables, await takeFingerprints(session))
  }

  test('restores to what its manifest says, and a value that is then another one is named', async () => {
    const { out, manifest } = await take()
    expect(await readManifest(out)).toEqual(manifest)
    expect(manifest.tables.map(({ table, rows }) => `${table} ${rows}`)).toEqual([
      'app."Odd ""Table""" 1',
      'app.days_2026 365',
      'app.people 1000',
      'supabase_migrations.schema_migrations 2',
    ])
    expect(manifest.migrations).toEqual([
      { version: '20260101', name: 'first' },
      { version: '20260102', name: null },
    ])
    expect(manifest.server).toMatchObject({ database: 'production', encoding: 'UTF8', version: cluster.serverVersion })
    expect(Object.keys(manifest.settings).some((name) => /password|conninfo|command/.test(name))).toBe(false)

    const copy = await restored(out)
    const { findings, checks } = await compare(manifest, copy)
    expect(findings).toEqual([])
    expect(checks).toMatchObject([{ id: 'restore.capture', status: 'passed' }])
    await query(copy, `UPDATE app.people SET note = note || ' ' WHERE id = 500`)
    expect((await compare(manifest, copy)).findings).toMatchObject([
      { kind: 'restore.differs-from-capture', object: 'app.people' },
    ])
    await query(
      copy,
      `UPDATE app.people SET note = rtrim(note) WHERE id = 500; DELETE FROM app.days_2026 WHERE day = '2026-02-01'`,
    )
    expect((await compare(manifest, copy)).findings).toMatchObject([{ object: 'app.days_2026' }])
  })

  test('holds one state, whatever is written meanwhile', async () => {
    let writing: Promise<unknown> | undefined
    const onProgress = () => {
      writing ??= query(
        production,
        `INSERT INTO app.people (id, note) SELECT n, 'late' FROM generate_series(2001, 2500) n`,
      )
    }
    const { out, manifest } = await take({ onProgress })
    expect(writing).toBeDefined()
    await writing
    expect(manifest.tables.find(({ table }) => table === 'app.people')?.rows).toBe(1000)
    expect((await compare(manifest, await restored(out))).findings).toEqual([])
    await query(production, 'DELETE FROM app.people WHERE id > 2000')
  })

  test('reads in a session that can write nothing, and gives up a statement that takes too long', async () => {
    const looked = await cluster.createDatabase('looked')
    const from = { ...source(), database: looked.name }
    // The history is read within the session of the snapshot: here it tells what that session is.
    await query(
      looked,
      `CREATE SCHEMA supabase_migrations; CREATE TABLE public.held (id int);
       CREATE VIEW supabase_migrations.schema_migrations AS
         SELECT name AS version, setting AS name FROM pg_settings WHERE name IN ('default_transaction_read_only',
           'lock_timeout', 'row_security', 'statement_timeout', 'transaction_isolation', 'transaction_read_only')`,
    )
    const settings = async (options: Partial<CaptureOptions> = {}) =>
      Object.fromEntries(
        (await take({ source: from, ...options })).manifest.migrations?.map(({ version, name }) => [version, name]) ??
          [],
      )
    const readOnly = {
      default_transaction_read_only: 'on',
      row_security: 'off',
      transaction_isolation: 'repeatable read',
      transaction_read_only: 'on',
    }
    expect(await settings()).toEqual({ ...readOnly, lock_timeout: '5000', statement_timeout: '1800000' })
    const limits = { lockTimeout: 60_000, statementTimeout: 2_000 }
    expect(await settings(limits)).toEqual({ ...readOnly, lock_timeout: '60000', statement_timeout: '2000' })

    await using blocker = await looked.connect()
    await blocker.query('BEGIN; LOCK TABLE public.held IN ACCESS EXCLUSIVE MODE')
    await expect(take({ source: from, ...limits })).rejects.toMatchObject({
      code: 'capture.failed',
      message: expect.stringMatching(/^Hashing the rows of production failed: .*statement timeout/),
    })
  })

  test('shows its password in no list of processes, and its files to nobody else', async () => {
    const seen = new Set<string>()
    const looking = setInterval(
      () => void commandLines().then((lines) => lines.forEach((line) => void seen.add(line))),
      20,
    )
    const { out } = await take().finally(() => clearInterval(looking))
    const lines = [...seen]
    expect(lines.some((line) => /pg_dump.*--snapshot/.test(line))).toBe(true)
    expect(lines.filter((line) => line.includes(cluster.password) && !line.includes('postgres -D'))).toEqual([])
    expect((await stat(out)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(out)) {
      expect((await stat(join(out, name))).mode & 0o777).toBe(0o600)
      expect((await readFile(join(out, name))).includes(cluster.password)).toBe(false)
    }
  })

  test('that is stopped, or waits for a lock in vain, leaves nothing behind', async () => {
    const before = (await readdir(folder)).sort()
    const stopping = new AbortController()
    await expect(take({ signal: stopping.signal, onProgress: () => stopping.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
    {
      await using blocker = await production.connect()
      await blocker.query('BEGIN; LOCK TABLE app.people IN ACCESS EXCLUSIVE MODE')
      await expect(take({ lockTimeout: 500 })).rejects.toMatchObject({ code: 'capture.failed' })
    }
    await expect(take({ source: { ...source(), password: 'wrong' } })).rejects.toMatchObject({
      code: 'database.failed',
    })
    expect((await readdir(folder)).sort()).toEqual(before)
    const sessions = await query(
      cluster.database('template1'),
      "SELECT 1 FROM pg_stat_activity WHERE datname = 'production' AND application_name ~ 'capture|greenlight'",
    )
    expect(sessions).toEqual([])
  })

  test('writes over nothing, and removes what one that was killed left', async () => {
    const out = join(folder, 'taken')
    await mkdir(out)
    await writeFile(join(out, 'mine'), 'x')
    await expect(take({ out })).rejects.toMatchObject({ code: 'usage.invalid' })
    const other = join(folder, 'other')
    await mkdir(`${other}.partial-999999999`)
    await take({ out: other })
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([])
  })

  test('whose files are no longer what they were is refused, with each of them', async () => {
    const { out, manifest } = await take()
    const [data = ''] = Object.keys(manifest.files).filter((name) => /^\d+\.dat/.test(name))
    await writeFile(join(out, data), 'x')
    await rm(join(out, 'toc.dat'))
    await writeFile(join(out, 'more.sql'), '')
    await expect(readManifest(out)).rejects.toMatchObject({
      code: 'dump.corrupt',
      message: expect.stringMatching(
        /is not what it was[\s\S]*more\.sql is not of the capture[\s\S]*toc\.dat is missing/,
      ),
    })
    await symlink('/etc/hostname', join(out, 'link'))
    await expect(readManifest(out)).rejects.toThrow(/link is no file/)
    await rm(join(out, 'link'))
    await writeFile(join(out, manifestName), JSON.stringify({ ...manifest, tables: 3 }))
    await expect(readManifest(out)).rejects.toThrow(/is no manifest of a capture: tables/)
    expect(await readManifest(folder)).toBeUndefined()
  })
})

async function query(database: Database, sql: string): Promise<Record<string, unknown>[]> {
  await using connection = await database.connect()
  return (await connection.query(sql)).rows
}

/** Of every process of this machine. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return (await Promise.all(lines)).map((line) => line.replaceAll('\0', ' '))
}

const tables = `
  CREATE SCHEMA app;
  CREATE TYPE app.mood AS ENUM ('good', 'bad');
  CREATE TABLE app.people (id int PRIMARY KEY, note text, mood app.mood, at timestamptz, n numeric, f float8, b bytea, j jsonb,
    shout text GENERATED ALWAYS AS (upper(note)) STORED);
  INSERT INTO app.people SELECT n, 'note ' || n, CASE n % 3 WHEN 0 THEN 'good' WHEN 1 THEN 'bad' END::app.mood,
    timestamptz '2026-01-01 00:00+02' + n * interval '1 hour', n / 7.0, n / 3.0::float8, sha256(n::text::bytea), jsonb_build_object('n', n)
    FROM generate_series(1, 1000) n;
  ALTER TABLE app.people ADD gone int; ALTER TABLE app.people DROP gone;
  CREATE TABLE app.days (day date, PRIMARY KEY (day)) PARTITION BY RANGE (day);
  CREATE TABLE app.days_2026 PARTITION OF app.days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  INSERT INTO app.days SELECT d FROM generate_series(date '2026-01-01', '2026-12-31', '1 day') d;
  CREATE TABLE app."Odd ""Table""" ("a b" text); INSERT INTO app."Odd ""Table""" VALUES (NULL);
  CREATE SCHEMA supabase_migrations;
  CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
  INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('20260101', 'first'), ('20260102', NULL);`
