import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cloner } from './clones.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { applyMigrations } from './migrations/apply.ts'
import { readMigrations } from './migrations/discover.ts'
import { readRollback } from './migrations/rollback.ts'
import type { RestoreRun } from './model/restore-run.ts'
import { preparePlatformSchemas } from './platform/prepare.ts'
import { rehearseRollback } from './rollback.ts'
import { takeAccess } from './snapshot/access/take.ts'
import { pickIdentities } from './snapshot/identities.ts'
import { takeSchema } from './snapshot/schema/take-schema.ts'
import { Stages } from './stages.ts'

const restore: RestoreRun = {
  dump: {
    path: 'x',
    format: 'custom',
    serverVersion: '17',
    compression: 'gzip',
    bytes: 10_000_000,
    sha256: '',
    database: 'p',
  },
  serverVersion: '17.10',
  entries: [],
  tables: [{ schema: 'public', name: 'notes', rowsInArchive: 20, rowsLoaded: 20 }],
  extensions: [],
  rolesCreated: [],
  phases: [],
  milliseconds: 2_000,
}

const setup = `
  create table public.notes (id int primary key, body text not null, mood text default 'fine', created_at timestamptz default now());
  insert into public.notes select g, 'note ' || g, 'calm', now() - g * interval '1 hour' from generate_series(1, 20) g;
  alter table public.notes enable row level security;
  create policy own on public.notes for select to authenticated using (id = 1);
  grant select on public.notes to authenticated`

const people = `
  insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  select '00000000-0000-0000-0000-000000000000', ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'authenticated',
    'authenticated', 'user' || n || '@planner.example', now(), '{}', '{}', now(), now() from generate_series(1, 2) n`

describe('the way back', () => {
  let cluster: Cluster
  let before: Database
  let directory = ''
  const clone = cloner('wayback')
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'greenlight-wayback-'))
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    await preparePlatformSchemas(before)
    await using admin = await before.connect()
    await admin.query(
      'drop event trigger if exists issue_pg_cron_access; drop event trigger if exists issue_pg_net_access',
    )
    await using owner = await before.connect({ role: 'postgres' })
    await owner.query(setup)
    await admin.query(people)
  })
  afterAll(async () => {
    await cluster?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function rehearse(
    up: string,
    down: string | undefined,
    touched: readonly string[] = ['public.notes'],
    isAsked = false,
  ) {
    const folder = await mkdtemp(join(directory, 'case-'))
    await writeFile(
      join(folder, '301_change.sql'),
      down === undefined ? up : `-- migrate:up\n${up};\n-- migrate:down\n${down};`,
    )
    const { files } = await readMigrations(folder)
    await using after = await clone(before)
    const run = await applyMigrations(after, files)
    expect(run.migrations.map(({ failure }) => failure?.message)).toEqual([undefined])
    const stages = new Stages(['rollback'], [], {})
    const identities = isAsked ? await pickIdentities(before, { seed: 1 }) : []
    const access = isAsked ? await takeAccess(before, identities) : undefined
    const later = access && (await takeAccess(after, identities, { like: access }))
    const way = { folder: await readRollback(undefined, files), applied: files, restore, record: true, access, later }
    const signal = new AbortController().signal
    const schemaOf = (database: Database) => takeSchema(database, { signal })
    await rehearseRollback({ before, after }, { ...way, touched: new Set(touched), schemaOf, clone, signal }, stages)
    expect(stages.rows).toMatchObject([{ status: 'done' }])
    const status = Object.fromEntries(stages.checks.map((check) => [check.id, check.status]))
    return {
      stages,
      status,
      told: stages.findings.map(({ kind, object, columns = [] }) => `${kind} ${object}(${columns.join()})`),
    }
  }

  it('that brings everything back, and keeps what was written, is no finding', async () => {
    const { told, status, stages } = await rehearse(
      'create policy more on public.notes for select to anon using (id = 2); create index notes_body on public.notes (body)',
      'drop index public.notes_body; drop policy more on public.notes',
    )
    expect(told).toEqual([])
    expect(status).toEqual({
      'rollback.restore': 'passed',
      'rollback.applied': 'passed',
      'rollback.complete': 'passed',
      'rollback.policies': 'passed',
      'rollback.added-rows': 'passed',
      'rollback.access': 'not run',
      'rollback.new-data': 'passed',
    })
    const check = stages.checks.find(({ id }) => id === 'rollback.new-data')
    expect(check?.numbers).toEqual({ tablesWritten: 1, rowsMade: 3, rowsEdited: 3, losses: 0 })
    expect(check?.summary).toContain('the rollback keeps them all; then the migrations apply again')
  })

  it('that drops a column or a table takes what was entered there', async () => {
    const { told, status, stages } = await rehearse(
      'alter table public.notes add phone text; create table public.tags (id int primary key, label text)',
      'drop table public.tags; alter table public.notes drop phone',
      ['public.notes', 'public.tags'],
    )
    expect(told).toEqual(['rollback.loses-new-data public.notes(phone)', 'rollback.loses-new-data public.tags()'])
    expect(status['rollback.new-data']).toBe('passed')
    expect(stages.findings[0]).toMatchObject({
      migration: '301_change.sql',
      evidence: ['6 values that the app wrote on a copy are gone.'],
    })
  })

  it('that copies a column back before it drops it takes nothing', async () => {
    const { told } = await rehearse(
      'alter table public.notes rename body to content',
      'alter table public.notes rename content to body',
    )
    expect(told).toEqual([])
  })

  it('that restores old values over edits, or deletes new rows, is told', async () => {
    const { told } = await rehearse(
      `create schema archive; create table archive.notes as select id, mood from public.notes`,
      `update public.notes n set mood = a.mood from archive.notes a where a.id = n.id and n.mood is distinct from a.mood;
       delete from public.notes where id not in (select id from archive.notes); drop schema archive cascade`,
    )
    expect(told).toEqual(['rollback.loses-new-data public.notes()', 'rollback.loses-new-data public.notes(mood)'])
  })

  it('that leaves a job behind, or forgets one, is told; one that brings back the jobs of before is not', async () => {
    const take = `select cron.unschedule(jobid) from cron.job where jobname = 'nightly'`
    const give = `select cron.schedule('nightly', '0 3 * * *', 'select 1')`
    const more = `select cron.schedule('reminders', '0 9 * * *', 'select 2')`
    {
      await using admin = await before.connect()
      await admin.query('create extension if not exists pg_cron')
      await using owner = await before.connect({ role: 'postgres' })
      await owner.query(give)
    }
    const back = await rehearse(`${take}; ${more}`, `select cron.unschedule('reminders'); ${give}`)
    expect(back.told).toEqual([])
    const left = await rehearse(`${take}; ${more}`, 'select 1')
    expect(left.told).toEqual(['rollback.incomplete cron.job()', 'rollback.incomplete cron.job()'])
    expect(left.stages.findings.map(({ title }) => title)).toEqual([
      'After the rollback the scheduled job nightly is gone',
      'After the rollback the scheduled job reminders, which was not there before, is there',
    ])
    expect(left.status['rollback.complete']).toBe('failed')
  })

  const other =
    'drop policy own on public.notes; create policy few on public.notes for select to authenticated using (id < 4)'

  it('that forgets a policy leaves users without their rows', async () => {
    const { stages, told, status } = await rehearse(other, 'drop policy few on public.notes', [], true)
    expect(told).toEqual(['rollback.incomplete schema()', 'rollback.incomplete public.notes()'])
    expect(stages.findings[1]?.title).toContain('After the rollback, compared with before: ')
    expect(stages.findings[1]?.evidence.join()).not.toContain('example')
    expect(status).toMatchObject({ 'rollback.access': 'failed', 'rollback.policies': 'failed' })
  })

  it('that leaves a wider policy under the old name lets users see more than before', async () => {
    const { told, status } = await rehearse(
      `create function public.is_shown(int) returns boolean language sql stable as 'select $1 < 4';
       drop policy own on public.notes; create policy own on public.notes for select to authenticated using (public.is_shown(id))`,
      `drop policy own on public.notes; create policy own on public.notes for select to authenticated using (public.is_shown(id))`,
      [],
      true,
    )
    expect(told).toContain('rollback.incomplete public.notes()')
    expect(status).toMatchObject({ 'rollback.access': 'failed' })
  })

  it('that makes the policy of before under another name is no finding', async () => {
    const { told, status, stages } = await rehearse(
      other.replace('drop policy own', 'drop policy if exists own'),
      'drop policy few on public.notes; create policy own_again on public.notes for select to authenticated using (id = 1)',
      [],
      true,
    )
    expect(told).toEqual([])
    expect(status).toMatchObject({ 'rollback.access': 'passed', 'rollback.policies': 'passed' })
    expect(stages.checks.find(({ id }) => id === 'rollback.access')?.numbers).toMatchObject({ usersAsked: 2 })
  })

  it('that leaves a policy or a row behind fails its own check', async () => {
    const { told, status } = await rehearse(
      `create policy more on public.notes for select to anon using (id = 2); insert into public.notes values (100, 'welcome')`,
      'select 1',
    )
    expect(told).toContain('rollback.incomplete schema()')
    expect(status).toMatchObject({
      'rollback.complete': 'failed',
      'rollback.policies': 'failed',
      'rollback.added-rows': 'failed',
      'rollback.new-data': 'failed',
    })
  })

  it('that cannot bear with new rows blocks, though it ran without them', async () => {
    const { stages, status } = await rehearse(
      'alter table public.notes alter body drop not null, add title text',
      `alter table public.notes drop title; alter table public.notes add constraint only_old check (id <= 20); alter table public.notes drop constraint only_old; alter table public.notes alter body set not null`,
    )
    expect(stages.findings).toMatchObject([
      {
        kind: 'rollback.failed',
        evidence: expect.arrayContaining([expect.stringContaining('fails once the app has written')]),
      },
    ])
    expect(status).toMatchObject({
      'rollback.applied': 'passed',
      'rollback.complete': 'passed',
      'rollback.new-data': 'failed',
    })
  })

  it('that does not let the migrations apply again is incomplete', async () => {
    const { stages } = await rehearse('create table public.extra (id int)', 'select 1')
    expect(stages.findings.map(({ object, title }) => `${object}: ${title}`)).toEqual([
      expect.stringMatching(/^schema: .* not as before/),
      expect.stringMatching(
        /^301_change\.sql: After the rollback 301_change\.sql does not apply again: line 2: .*already exists/,
      ),
    ])
  })

  it('without scripts is the backup: its time is told, and what is lost with it', async () => {
    const { told, status, stages } = await rehearse('create table public.extra (id int)', undefined)
    expect(told).toEqual(['rollback.loses-new-data backup()'])
    expect(stages.findings[0]?.title).toContain('about 3 rows a day')
    expect(status).toMatchObject({
      'rollback.restore': 'passed',
      'rollback.applied': 'not configured',
      'rollback.complete': 'not configured',
    })
    expect(stages.checks.find(({ id }) => id === 'rollback.restore')?.summary).toContain(
      'restored here in 2.0 s; at this pace 1 GB in about 3 min, 10 GB in about 33 min, 100 GB in about 5.6 h',
    )
  })
})
