import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attribute } from './attribution/attribute.ts'
import { cloner } from './clones.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { lookAtJobs } from './jobs-stage.ts'
import { applyMigrations } from './migrations/apply.ts'
import { parseExpectation } from './migrations/expectations.ts'
import { splitSql } from './migrations/split.ts'
import type { Finding } from './model/finding.ts'
import type { MigrationFile } from './model/migration-run.ts'
import { preparePlatformSchemas } from './platform/prepare.ts'
import { administer, migrate } from './snapshot/access/test-project.ts'
import { asAdmin, cases, cleanup, schedule } from './snapshot/jobs/test-cases.ts'
import { expectationLine } from './verdict/expectations.ts'

const { signal } = new AbortController()
const clone = cloner()
let cluster: Cluster
let project: Database
let made = 0

/** As in a dump: all jobs are of one database. */
const ofProduction = ` reset session authorization; update cron.job set database = 'postgres' where database <> 'other';`

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
  const { findings, checks } = await lookAtJobs({ before, after }, { clone, longest: 2_000, signal })
  const blocks = findings.some(({ kind, severity }) => /removed|fails/.test(kind) && severity === undefined)
  expect(checks[0]).toMatchObject({ id: 'features.jobs', status: blocks ? 'failed' : 'passed', required: true })
  expect(JSON.stringify([findings, checks])).not.toMatch(/s3cret|interval/)
  return findings.map(({ kind, object, severity, title }) => {
    const sqlstate = /: ([0-9A-Z]{5})\b/.exec(title)?.[1]
    return [kind, object, severity, sqlstate].filter((part) => part !== undefined).join(' ')
  })
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

  test('are declared by the line that the report prints, whatever their names', async () => {
    for (const object of [
      'nightly-cleanup',
      '"clean up (all)"',
      `"bob's -- job"`,
      '"to-archive"',
      '"purge-where-old"',
    ]) {
      const finding: Finding = { kind: 'feature.job-removed', object, title: '', evidence: [] }
      const line = expectationLine(finding) ?? expect.fail(`no line for ${object}`)
      const words = line.replace('-- greenlight: ', '').replace('…', 'it is meant')
      expect(parseExpectation(words)).toMatchObject({ kind: 'feature.job-removed', object, reason: 'it is meant' })
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
      `create role runner login; ${schedule('runner', 'select 1')} update cron.job set username = 'runner' where jobname = 'runner';
       ${schedule('program', program)} ${schedule('roles', 'alter role anon set statement_timeout = 1')}
       select cron.schedule_in_database('elsewhere', '0 0 * * *', 'select 1', 'other');
       ${ofProduction}`,
    )
    await using after = await before.clone('over_server_after')
    const { findings, checks } = await lookAtJobs({ before, after }, { clone, signal })
    expect(findings).toEqual([])
    const [, untried] = checks
    expect(untried).toMatchObject({ id: 'features.jobs-not-tried', status: 'not run' })
    expect(untried?.reason).toContain('program: its user supabase_admin may use files and programs of the server')
    expect(untried?.reason).toContain('runner: nobody can log in as runner here')
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
