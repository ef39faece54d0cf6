import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attribute } from './attribution/attribute.ts'
import { cloner } from './clones.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { lookAtJobs } from './jobs-stage.ts'
import { applyMigrations } from './migrations/apply.ts'
import { splitSql } from './migrations/split.ts'
import type { Finding } from './model/finding.ts'
import type { MigrationFile } from './model/migration-run.ts'
import { preparePlatformSchemas } from './platform/prepare.ts'
import { administer, migrate } from './snapshot/access/test-project.ts'

const { signal } = new AbortController()
const clone = cloner()
let cluster: Cluster
let project: Database
let made = 0

const cleanup = 'delete from log where at < now() - interval $$1 day$$'
const schedule = (name: string, command: string, at = '15 3 * * *') =>
  `select cron.schedule('${name}', '${at}', '${command}');`
/** As in a dump: all jobs are of one database. */
const ofProduction = ` reset session authorization; update cron.job set database = 'postgres' where database <> 'other';`
const asAdmin = (sql: string) => `reset session authorization; ${sql} set session authorization postgres;`

beforeAll(async () => {
  cluster = await startTestCluster()
  project = await cluster.createDatabase('project')
  await preparePlatformSchemas(project)
  await administer(
    project,
    'create extension pg_cron; create extension pg_net with schema extensions; create extension if not exists supabase_vault',
  )
  await migrate(
    project,
    `create table log (id int primary key, at timestamptz not null);
     insert into log select n, now() - n * interval '12 hours' from generate_series(1, 10) n;
     create table hits (n int); create function touch() returns void language sql as 'insert into hits values (1)';
     ${schedule('nightly-cleanup', cleanup)} ${schedule('touch', 'select touch()')}
     select cron.schedule('0 4 * * *', 'delete from hits where n > 5');`,
  )
})
afterAll(() => cluster?.stop())

/** What is told when migrations run `sql` as the project's owner; `setUp` is what production has besides. */
async function told(sql: string, setUp = ''): Promise<readonly string[]> {
  await using before = await project.clone(`before_${++made}`)
  await administer(before, `set session authorization postgres; ${setUp};${ofProduction}`)
  await using after = await before.clone(`after_${made}`)
  await administer(after, `set session authorization postgres; ${sql}`)
  const { findings, checks } = await lookAtJobs({ before, after }, { clone, signal })
  const blocks = findings.some(({ kind, severity }) => /removed|fails/.test(kind) && severity === undefined)
  expect(checks[0]).toMatchObject({ id: 'features.jobs', status: blocks ? 'failed' : 'passed', required: true })
  expect(JSON.stringify([findings, checks])).not.toMatch(/s3cret|interval/)
  return findings.map(({ kind, object, severity, title }) => {
    const sqlstate = /: (\w{5})\b/.exec(title)?.[1]
    return [kind, object, severity, sqlstate].filter((part) => part !== undefined).join(' ')
  })
}

/** A migration, what must be told of it, and what production has besides. */
const cases: Readonly<Record<string, readonly [sql: string, told: readonly string[], setUp?: string]>> = {
  'nothing that a job knows of': ['alter table log add column note text', []],
  'a job that is taken away': [`select cron.unschedule('nightly-cleanup')`, ['feature.job-removed nightly-cleanup']],
  'a job that is switched off': [
    asAdmin(`select cron.alter_job(jobid, active := false) from cron.job where jobname = 'touch';`),
    ['feature.job-removed touch'],
  ],
  'a job that was switched off, and is taken away': [
    `select cron.unschedule('old')`,
    [],
    `${schedule('old', 'select 1')} ${asAdmin(`update cron.job set active = false where jobname = 'old';`)}`,
  ],
  'a job that is scheduled anew as it was': [
    `select cron.unschedule('touch'); ${schedule('touch', 'select touch()')}`,
    [],
  ],
  'a job without a name that is scheduled anew as it was': [
    `select cron.unschedule(jobid) from cron.job where jobname is null; select cron.schedule('0 4 * * *', 'delete from hits where n > 5')`,
    [],
  ],
  'a job without a name that is taken away': [
    `select cron.unschedule(jobid) from cron.job where jobname is null`,
    ['feature.job-removed job-3'],
  ],
  'another schedule': [schedule('touch', 'select touch()', '@monthly'), ['feature.job-changed touch']],
  'another command': [schedule('touch', 'insert into hits values (2)'), ['feature.job-changed touch']],
  'a table that a job cleans under another name': [
    'alter table log rename to logs',
    ['feature.job-fails nightly-cleanup 42P01'],
  ],
  'a table under another name, and the job with it': [
    `alter table log rename to logs; ${schedule('nightly-cleanup', cleanup.replace('from log', 'from logs'))}`,
    ['feature.job-changed nightly-cleanup'],
  ],
  'a function that a job calls, which now fails': [
    `create or replace function touch() returns void language plpgsql as 'begin insert into hits values (1, 2); end'`,
    ['feature.job-fails touch 42601'],
  ],
  'a right of its user that is taken away': [
    asAdmin('alter table log owner to supabase_admin;'),
    ['feature.job-fails nightly-cleanup 42501'],
  ],
  'row security that hides from a job what it cleans': [
    asAdmin(
      'alter table log owner to supabase_admin; alter table log enable row level security; alter role postgres nobypassrls;',
    ) + asAdmin('grant select, delete on log to postgres;'),
    ['feature.job-changed nightly-cleanup'],
  ],
  'rows that are cleaned already': ['delete from log', ['feature.job-changed nightly-cleanup']],
  'a function that a job calls, which does nothing any more': [
    `create or replace function touch() returns void language sql as ''`,
    ['feature.job-changed touch'],
  ],
  'half of the rows that a job cleans': ['delete from log where id > 5', []],
  'a job that fails before as well': [
    'select 1',
    ['feature.job-fails broken info 42P01'],
    schedule('broken', 'delete from nowhere'),
  ],
  'a job that fails before and runs after': ['create table nowhere ()', [], schedule('broken', 'delete from nowhere')],
  'a new job that runs': [schedule('new', 'select touch()'), []],
  'a new job with a function that is not there': [schedule('new', 'select nothing()'), ['feature.job-fails new 42883']],
  'a new job without the secret that it needs': [
    schedule('new', 'select net.http_post(url := (select null::text))'),
    ['feature.job-fails new warning 23502'],
  ],
  'a new job that asks the project': [
    schedule('new', `select net.http_post(url := $$https://abcd.supabase.co/functions/v1/tick?key=s3cret$$)`),
    [],
  ],
  'a new job that asks another host': [
    schedule('new', `select net.http_get($$https://ping.example/s3cret$$)`),
    ['egress.attempted database: job new'],
  ],
  'a host that production’s job asks already': [
    'select 1',
    ['egress.attempted database: job ping warning'],
    schedule('ping', `select net.http_get($$https://ping.example/s3cret$$)`),
  ],
  'a job that vacuums, which no transaction does': ['select 1', [], schedule('vacuum', 'vacuum log')],
  'a name that needs quotes': [
    `select cron.unschedule('clean up (all)')`,
    ['feature.job-removed "clean up (all)"'],
    schedule('clean up (all)', 'select 1'),
  ],
}

describe('scheduled jobs', () => {
  test.for(Object.entries(cases))('%s', async ([, [sql, expected, setUp]]) => {
    try {
      expect(await told(sql, setUp)).toEqual(expected)
    } finally {
      // Roles are the whole server's.
      await administer(project, 'alter role postgres bypassrls')
    }
  })

  test('run with the search path of their user', async () => {
    const setUp = `create schema app; create table app.things (id int); ${schedule('things', 'delete from things')}`
    const path = asAdmin('alter role postgres in database PROJECT set search_path = app, public;')
    await using before = await project.clone('with_path')
    await administer(
      before,
      `set session authorization postgres; ${setUp} ${path.replace('PROJECT', 'with_path')} ${ofProduction}`,
    )
    await using after = await before.clone('without_path')
    const same = await lookAtJobs({ before, after }, { clone, signal })
    expect(same.findings).toEqual([])
    await administer(after, 'alter role postgres in database without_path reset search_path')
    const { findings } = await lookAtJobs({ before, after }, { clone, signal })
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual(['feature.job-fails things'])
  })

  test('that may reach the server’s files, or run in another database, are not run, and told', async () => {
    await using before = await project.clone('over_server')
    const program = `copy (select 1) to program 'touch /tmp/greenlight-job'`.replaceAll("'", "''")
    await administer(
      before,
      `${schedule('program', program)} ${schedule('roles', 'alter role anon set statement_timeout = 1')}
       select cron.schedule_in_database('elsewhere', '0 0 * * *', 'select 1', 'other');
       ${ofProduction}`,
    )
    await using after = await before.clone('over_server_after')
    const { findings, checks } = await lookAtJobs({ before, after }, { clone, signal })
    expect(findings).toEqual([])
    const [, untried] = checks
    expect(untried).toMatchObject({ id: 'features.jobs-not-tried', status: 'not run' })
    expect(untried?.reason).toContain('program: its user supabase_admin may use files and programs of the server')
    expect(untried?.reason).toContain('roles: it changes what belongs to the whole server')
    expect(untried?.reason).toContain('elsewhere: it runs in the database other')
  })

  test('are none where pg_cron is not there', async () => {
    await using bare = await cluster.createDatabase('bare')
    await using later = await bare.clone('bare_after')
    const { findings, checks } = await lookAtJobs({ before: bare, after: later }, { clone, signal })
    expect(findings).toEqual([])
    expect(checks[0]).toMatchObject({ status: 'passed', summary: 'There is no job of pg_cron, before or after.' })
  })

  test('that a dump cannot hold are not said to be fine; what the migrations schedule is run all the same', async () => {
    await using before = await project.clone('no_jobs')
    await administer(before, 'delete from cron.job')
    await using after = await before.clone('no_jobs_after')
    const look = () => lookAtJobs({ before, after }, { clone, notInDump: true, signal })
    const [check] = (await look()).checks
    expect(check).toMatchObject({ id: 'features.jobs', status: 'not run', required: false })
    expect(check?.summary).toBeUndefined()
    await migrate(after, schedule('new', 'select nothing()'))
    const { findings, checks } = await look()
    expect(findings.map(({ kind }) => kind)).toEqual(['feature.job-fails'])
    expect(checks[0]).toMatchObject({ status: 'failed' })
  })

  test('find the secrets that are made by hand after the deploy', async () => {
    await using before = await project.clone('by_hand')
    await using after = await before.clone('by_hand_after')
    const secret = '(select decrypted_secret from vault.decrypted_secrets where name = $$project_url$$)'
    await migrate(after, schedule('new', `select net.http_post(url := ${secret} || $$/functions/v1/tick$$)`))
    const look = async (secretsByHand: readonly string[]) =>
      (await lookAtJobs({ before, after }, { clone, secretsByHand, signal })).findings.map(({ kind }) => kind)
    expect(await look([])).toEqual(['feature.job-fails'])
    expect(await look(['project_url'])).toEqual([])
  })

  test('leave the two sides as they were', async () => {
    await using before = await project.clone('untouched')
    await using after = await before.clone('untouched_after')
    await lookAtJobs({ before, after }, { clone, signal })
    await using session = await after.connect()
    const { rows } = await session.query(
      'select count(*)::int as log, (select count(*)::int from hits) as hits from log',
    )
    expect(rows).toEqual([{ log: 10, hits: 0 }])
  })

  test('that a migration breaks are laid at its door', async () => {
    const files = [
      ['301_note.sql', 'comment on table public.log is $$seen$$'],
      ['302_rename.sql', 'alter table public.log rename to logs'],
      ['303_unschedule.sql', `select cron.unschedule('touch')`],
    ].map(
      ([name = '', sql = '']): MigrationFile => ({
        name,
        path: `/migrations/${name}`,
        version: name.slice(0, 3),
        sql,
        sha256: name,
        statements: splitSql(sql).statements,
      }),
    )
    await using before = await project.clone('for_cause')
    await using after = await before.clone('for_cause_after')
    const { migrations: applied } = await applyMigrations(after, files, { signal })
    expect(applied.map(({ status }) => status)).toEqual(['applied', 'applied', 'applied'])
    const { findings } = await lookAtJobs({ before, after }, { clone, signal })
    const named: Finding[] = await attribute(findings, {
      before,
      after,
      pending: files,
      applied,
      access: undefined,
      record: true,
      clone,
      signal,
    })
    expect(named.map(({ kind, object, migration }) => `${kind} ${object} ${migration}`)).toEqual([
      'feature.job-fails nightly-cleanup 302_rename.sql',
      'feature.job-removed touch 303_unschedule.sql',
    ])
  })
})
