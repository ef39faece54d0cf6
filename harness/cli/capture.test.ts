import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ReportDocument, reportSchema } from '../../reports/schema.ts'
import { manifestName } from '../capture/manifest.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { findTools } from '../dump/native/tools.ts'
import { preparePlatform, preparePlatformSchemas } from '../platform/prepare.ts'
import { captureCommand } from './capture.ts'
import { type Ended, runGreenlight } from './run-greenlight.ts'

const here = await findTools(17, 'the test', []).catch(() => undefined)
await here?.[Symbol.asyncDispose]()

/** How a line of the terminal is emptied. */
const emptied = '\r\u001b[K'
const migrations = {
  harmless: 'create table public.moods (id int primary key);\nalter table public.moods enable row level security;\n',
  failing: 'select 1 / 0;\n',
}

describe.skipIf(!here)(`the commands (need PostgreSQL 17's programs on the path, or Docker with its image)`, () => {
  let folder = ''
  let cluster: Cluster
  let production: Database
  let captured: Awaited<ReturnType<typeof take>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenlight-capture-command-'))
    for (const [name, sql] of Object.entries(migrations)) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, '201_moods.sql'), sql)
    }
    cluster = await startTestCluster()
    production = await cluster.createDatabase('production')
    await preparePlatform(production)
    await preparePlatformSchemas(production)
    await using session = await production.connect({ role: 'postgres' })
    await session.query(await readFile('fixtures/dumps/forms/source.sql', 'utf8'))
    const password = encodeURIComponent(cluster.password)
    vi.stubEnv('SOURCE', `postgres://supabase_admin:${password}@${cluster.host}:${cluster.port}/production`)
    captured = await take('captured')
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await cluster.stop()
    await rm(folder, { recursive: true })
  })

  /** Captures as on a terminal of 48 columns: what is written there, piece by piece, and what is told at the end. */
  async function take(out: string) {
    await using blocker = await production.connect()
    await blocker.query('BEGIN; LOCK TABLE public.tasks IN ACCESS EXCLUSIVE MODE')
    const written: string[] = []
    const write = (text: string) => {
      written.push(text)
      // Held until the first number of the dump is there.
      if (text.includes('dump:')) void blocker.query('ROLLBACK')
    }
    const { signal } = new AbortController()
    const terminal = { isTTY: true, columns: 48, write }
    return { written, told: await captureCommand({ from: 'SOURCE', out, lockTimeout: '60' }, folder, signal, terminal) }
  }

  test('capture shows what it is at in a line that never wraps, empties it, and tells what it took', () => {
    const { written, told } = captured
    const lines = written.filter((text) => text !== emptied)
    expect(lines).toContain('  dump: 0 MB written')
    const tables = lines.filter((line) => line.startsWith('  fingerprints:'))
    const of = tables.length
    expect(tables.filter((line, index) => !line.startsWith(`  fingerprints: ${index + 1} of ${of} tables, `))).toEqual(
      [],
    )
    expect(tables.some((line) => line.endsWith(', public.tasks'))).toBe(true)
    expect(Math.max(...lines.map((line) => line.length))).toBe(47)
    expect(lines.at(-1)).toBe('  hashing files')
    expect(written.filter((_, index) => index % 2 === 0)).toEqual([...lines, ''].map(() => emptied))
    expect(told).toMatch(
      new RegExp(
        `^Captured production of PostgreSQL ${cluster.serverVersion} as it was at [\\dT:.-]+Z:\n` +
          `213 rows of ${of} tables, each with its fingerprint, in ${join(folder, 'captured')}\n` +
          'Next: greenlight run --dump captured\n$',
      ),
    )
  })

  describe('run over a captured folder', () => {
    type Run = Ended & { readonly report: ReportDocument }
    let same: Run
    let altered: Run

    async function run(dump: string, migrations: string, ...flags: string[]): Promise<Run> {
      const out = join(folder, `${dump}-out`)
      const inputs = ['--dump', join(folder, dump), '--migrations', join(folder, migrations), '--out', out]
      const ended = await runGreenlight([...inputs, ...flags])
      return { ...ended, report: reportSchema.parse(JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))) }
    }

    beforeAll(async () => {
      // One migration that fails is enough for the copy alone; the run to its end shows what else blocks.
      same = await run('captured', 'failing', '--client', 'native')
      await cp(join(folder, 'captured'), join(folder, 'altered'), { recursive: true })
      const path = join(folder, 'altered', manifestName)
      const manifest: { tables: { table: string }[] } = JSON.parse(await readFile(path, 'utf8'))
      const tables = manifest.tables.map((one) => (one.table === 'public.tasks' ? { ...one, hash: '17' } : one))
      await writeFile(path, JSON.stringify({ ...manifest, tables }))
      altered = await run('altered', 'harmless', '--identities', '2', '--logins', '1')
    })

    const checkOf = ({ report }: Run) =>
      report.metrics.flatMap(({ checks }) => checks).find(({ id }) => id === 'restore.capture')
    const blocking = ({ report }: Run) =>
      report.findings.filter((finding) => finding.blocking).map(({ kind, object }) => `${kind} ${object}`)

    test('finds the copy to be what was captured', () => {
      expect(checkOf(same)).toMatchObject({
        status: 'passed',
        summary: '213 rows of 41 tables are what production held when it was captured.',
      })
      expect(blocking(same)).toEqual(['migration.failed 201_moods.sql'])
    })

    test('is NO-GO, exit code 1, for one table that is not what was captured, and names it', () => {
      expect(checkOf(altered)).toMatchObject({
        status: 'failed',
        summary: '1 of 41 tables differ from what production held when it was captured.',
      })
      expect(blocking(altered)).toEqual(['restore.differs-from-capture public.tasks'])
      expect(altered.stdout).toContain('The 60 rows of public.tasks are not those that were captured')
      expect(altered.report.metrics.filter(({ status }) => status !== 'met').map(({ name }) => name)).toEqual(['data'])
      expect(altered.exitCode).toBe(1)
    })

    test('restores the same with --client native', () => {
      const restored = ({ report: { restore } }: Run) => ({
        entries: restore?.entries,
        notRestored: restore?.notRestored,
        tables: restore?.tables.toSorted((a, b) => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1)),
      })
      expect(restored(same)).toEqual(restored(altered))
      expect(same.report.restore?.tables.length).toBeGreaterThan(30)
      expect([...same.left, ...altered.left]).toEqual([])
    })
  })
})

test('run --client native says what it needs where there are no programs of PostgreSQL: inconclusive', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'greenlight-no-client-'))
  for (const name of ['pg_dump', 'docker']) await writeFile(join(folder, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const inputs = ['--dump', 'fixtures/dumps/forms/archive.dump', '--migrations', 'fixtures/dumps/forms/migrations']
  const { exitCode, stderr, left } = await runGreenlight([...inputs, '--client', 'native', '--out', folder], {
    env: { PATH: [folder, process.env.PATH].join(delimiter) },
  })
  await rm(folder, { recursive: true })
  expect(stderr).toMatch(/✗ restore .* needs pg_dump and pg_restore of PostgreSQL 17 or newer, and there are none on/)
  expect({ exitCode, left }).toEqual({ exitCode: 2, left: [] })
})
