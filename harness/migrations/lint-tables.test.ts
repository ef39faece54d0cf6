import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { applyMigrations } from './apply.ts'
import { readMigrations } from './discover.ts'
import { lintMigrations } from './lint.ts'
import { takeTableSizes } from './table-sizes.ts'

describe('rules about locks, by the tables that are locked', () => {
  let cluster: Cluster
  let before: Database
  let runs = 0
  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    await preparePlatform(before)
    await using owner = await before.connect({ role: 'postgres' })
    await owner.query(`
      create table public.moods (id int primary key, name text, parent int);
      insert into public.moods select g, 'mood ' || g, 1 from generate_series(1, 20) g;
      create table public.letters (id int primary key, name text, parent int);
      insert into public.letters select g, repeat('x', 400), 1 from generate_series(1, 5000) g`)
  })
  afterAll(() => cluster?.stop())

  const asked = ['select * from letters where id = $1']

  /** `rule severity` of each finding about a lock, in the order of its lines. */
  async function lint(sql: string, queries: readonly string[] | 'no capture' = asked) {
    const directory = await mkdtemp(join(tmpdir(), 'greenlight-lint-'))
    try {
      await writeFile(join(directory, '301_x.sql'), sql)
      const { files } = await readMigrations(directory)
      await using database = await before.clone(`lint_${++runs}`)
      const run = await applyMigrations(database, files, { trace: true })
      expect(run.migrations[0]?.failure).toBeUndefined()
      const { findings, check } = await lintMigrations(files, {
        tables: { run, sizes: await takeTableSizes(before), ...(queries === 'no capture' ? {} : { queries }) },
      })
      const told = findings.map(
        ({ severity = 'warning', evidence }) => `${/^Rule ([\w-]+)/.exec(evidence[0] ?? '')?.[1]} ${severity}`,
      )
      return { told, findings, check }
    } finally {
      await rm(directory, { recursive: true })
    }
  }

  const timeout = "set lock_timeout = '2s';\n"

  it('are a note for a tiny table that no captured query names, with the reason', async () => {
    const { told, findings, check } = await lint(`${timeout}create index moods_name on public.moods (name);`)
    expect(told).toEqual(['require-concurrent-index-creation info'])
    expect(findings[0]?.evidence[2]).toMatch(
      /^public\.moods has \d+ kB, and none of the 1 captured queries names it\.$/,
    )
    expect(check).toMatchObject({ status: 'passed', summary: '1 files linted: 1 notes.', numbers: { warnings: 0 } })
  })

  it('are a warning for a tiny table that a captured query names', async () => {
    const used = ['select name from "public"."moods" where id = $1']
    expect((await lint(`${timeout}create index on public.moods (name);`, used)).told).toEqual([
      'require-concurrent-index-creation warning',
    ])
  })

  it('are a warning for a tiny table where nothing tells what production asks', async () => {
    const { told } = await lint(`${timeout}create index on public.moods (name);`, 'no capture')
    expect(told).toEqual(['require-concurrent-index-creation warning'])
  })

  it('are a warning for a large table that no captured query names', async () => {
    expect((await lint(`${timeout}create index on public.letters (name);`, ['select 1'])).told).toEqual([
      'require-concurrent-index-creation warning',
    ])
  })

  it('are a note for a table that the migrations make, however many rows they put into it', async () => {
    const { told, findings } = await lint(
      `${timeout}create table public.copies as select * from public.letters;\ncreate index on public.copies (name);`,
    )
    expect(told).toEqual(['require-concurrent-index-creation info'])
    expect(findings[0]?.evidence).toContain('public.copies is made by these migrations: nobody uses it yet.')
  })

  it('are a warning for a large table under a new name, which is not new', async () => {
    const { told } = await lint(
      `${timeout}alter table public.letters rename to mail;\ncreate index on public.mail (name);`,
    )
    expect(told).toContain('require-concurrent-index-creation warning')
  })

  it('are told of each statement, also where its lock was held already', async () => {
    const { told, findings } = await lint(
      `${timeout}alter table public.letters add column a int;\ncreate index on public.letters (a);\ncreate index on public.moods (name);`,
    )
    expect(told).toEqual(['require-concurrent-index-creation warning', 'require-concurrent-index-creation info'])
    expect(findings.map(({ where }) => where?.line)).toEqual([3, 4])
  })

  it('weigh both tables of a foreign key', async () => {
    const { told } = await lint(
      `${timeout}alter table public.moods add constraint f foreign key (parent) references public.letters (id);`,
    )
    expect(told).toContain('adding-foreign-key-constraint warning')
  })

  it('are no reason to be quiet about what breaks', async () => {
    const { told } = await lint(`${timeout}alter table public.moods drop column parent;`)
    expect(told).toEqual(['ban-drop-column warning'])
  })

  it('follow the search path of the file rather than guess', async () => {
    const { told } = await lint(`${timeout}set search_path = public;\ncreate index on moods (name);`)
    expect(told).toEqual(['require-concurrent-index-creation warning'])
  })
})
