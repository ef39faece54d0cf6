import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { platformRoles } from '../../platform/login-roles.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import { connect } from '../connection.ts'
import type { Cluster, Connection, StartOptions } from '../engine.ts'
import { startTestCluster } from '../test-cluster.ts'
import { urlEngine } from './engine.ts'

/** Somebody's server: its superuser has a name of its own, and there is a database with data and a role. */
let server: Cluster
let theirs: Connection
let url: string
const here = { notProduction: false, productionHosts: [] }
const start = (options: Partial<StartOptions> = {}) => urlEngine.start({ platformRoles, existing: here, ...options })

beforeAll(async () => {
  server = await startTestCluster()
  {
    await using session = await server.maintain()
    await session.query(`create role owner superuser login password 'of the owner'; create role they`)
    await session.query('create database theirs owner they')
  }
  const { host, port } = server
  url = `postgres://owner:of%20the%20owner@${host}:${port}/theirs`
  const config = { host, port, user: 'owner', password: 'of the owner', database: 'theirs' }
  theirs = await connect({ ...config, application_name: 'greenlight test' })
  await theirs.query('alter role supabase_admin rename to someone')
  await theirs.query('create table kept as select 1 as n; alter table kept owner to they')
})
afterAll(async () => {
  await theirs.end()
  await server.stop()
})
beforeEach(() => vi.stubEnv('GREENLIGHT_ENGINE_URL', url))
afterEach(() => vi.unstubAllEnvs())

/** Everything that belongs to the whole server. */
async function shared(): Promise<unknown> {
  const { rows } = await theirs.query(`
    select (select jsonb_agg(to_jsonb(r) order by oid) from pg_authid r) as roles,
      (select jsonb_agg(to_jsonb(m) order by oid) from pg_auth_members m) as members,
      (select jsonb_agg(to_jsonb(d) - 'datfrozenxid' - 'datminmxid' order by oid) from pg_database d) as databases,
      (select jsonb_agg(to_jsonb(s) order by setrole, setdatabase) from pg_db_role_setting s) as settings,
      (select jsonb_agg(to_jsonb(p)) from pg_parameter_acl p) as parameters,
      (select jsonb_agg(to_jsonb(c) order by objoid) from pg_shdescription c) as comments`)
  return rows[0]
}

test('makes databases and roles, works as its own admin, and leaves the server as it was', async () => {
  const was = await shared()
  const cluster = await start()
  const before = await cluster.createDatabase('before')
  expect(before.name).toMatch(/^greenlight_[0-9a-f]{8}_before$/)
  await preparePlatform(before)
  {
    await using session = await before.connect()
    await session.query('create table t as select generate_series(1, 10) n; create role made_by_a_migration')
    expect((await session.query('select current_user as who')).rows).toEqual([{ who: 'supabase_admin' }])
    await using role = await before.connect({ role: 'authenticator' })
    await role.query('set role anon')
  }
  const after = await before.clone('after')
  {
    await using reader = await after.connect({ role: 'postgres' })
    expect((await reader.query('select current_database() as name')).rows).toEqual([{ name: after.name }])
  }
  expect(cluster.database('after').name).toBe(after.name)
  expect([...cluster.capabilities].sort()).toEqual(['statement-statistics', 'superuser', 'template-clones'])
  await cluster.stop()
  await cluster.stop()
  expect(await shared()).toEqual(was)
  expect((await theirs.query('select n from kept')).rows).toEqual([{ n: 1 }])
})

test('a role that somebody else makes and uses meanwhile stays', async () => {
  const cluster = await start()
  await theirs.query('create role newcomer; create table of_newcomer (); alter table of_newcomer owner to newcomer')
  await cluster.stop()
  expect(
    (await theirs.query(`select rolname from pg_roles where rolname ~ '^(newcomer|greenlight|anon)'`)).rows,
  ).toEqual([{ rolname: 'newcomer' }])
  await theirs.query('drop table of_newcomer; drop role newcomer')
})

test('one rehearsal at a time; what a killed one left goes with the next', async () => {
  const was = await shared()
  const [engine, prepare, roles] = ['./engine.ts', '../../platform/prepare.ts', '../../platform/login-roles.ts'].map(
    (path) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url))),
  )
  const script = `const { urlEngine } = await import(${engine}); const { preparePlatform } = await import(${prepare})
    const { platformRoles } = await import(${roles})
    const cluster = await urlEngine.start({ platformRoles, existing: ${JSON.stringify(here)} })
    await preparePlatform(await cluster.createDatabase('before'))
    console.log('up'); setInterval(() => {}, 1000)`
  const run = execa(process.execPath, ['--input-type=module', '-e', script], { reject: false })
  await once(run.stdout, 'data')
  await expect(start()).rejects.toMatchObject({
    code: 'engine.unavailable',
    message: expect.stringContaining(`process ${run.pid}`),
  })
  run.kill('SIGKILL')
  await run
  expect(await shared()).not.toEqual(was)
  await expect
    .poll(() =>
      theirs.query(`select from pg_stat_activity where application_name = 'greenlight'`).then((r) => r.rowCount),
    )
    .toBe(0)
  await (await start()).stop()
  expect(await shared()).toEqual(was)
})

test('a server that looks like production is refused untouched, but for a word of the user', async () => {
  const was = await shared()
  const { host, port } = server
  await using _ = await connect({
    ...{ host, port, user: 'owner', password: 'of the owner', database: 'theirs', application_name: 'an app' },
  })
  await expect(start()).rejects.toMatchObject({
    code: 'engine.looks-like-production',
    message: expect.stringContaining('1 other client is connected'),
  })
  expect(await shared()).toEqual(was)
  await (await start({ existing: { ...here, notProduction: true } })).stop()
  await expect(start({ existing: { notProduction: true, productionHosts: ['127.0.0.1'] } })).rejects.toMatchObject({
    code: 'engine.looks-like-production',
  })
  expect(await shared()).toEqual(was)
})

test('roles of a project that lives there are not touched: the server is refused', async () => {
  await theirs.query('create role anon')
  const was = await shared()
  await expect(start()).rejects.toMatchObject({
    code: 'engine.unavailable',
    message: expect.stringMatching(/roles .*: anon\./),
  })
  expect(await shared()).toEqual(was)
  await theirs.query('drop role anon')
})

test('a role that is no superuser, and a marker that is not ours, are refused', async () => {
  await theirs.query(`create role modest login createdb createrole password 'm'`)
  vi.stubEnv('GREENLIGHT_ENGINE_URL', url.replace('owner:of%20the%20owner', 'modest:m'))
  await expect(start()).rejects.toMatchObject({
    code: 'engine.unavailable',
    message: expect.stringContaining('modest'),
  })
  vi.stubEnv('GREENLIGHT_ENGINE_URL', url)
  await theirs.query(
    `drop role modest; create role greenlight_rehearsal; comment on role greenlight_rehearsal is '{"prefix": "", "roles": [], "session": {"pid": 1, "started": ""}}'`,
  )
  const was = await shared()
  await expect(start()).rejects.toMatchObject({ code: 'engine.unavailable' })
  expect(await shared()).toEqual(was)
  await theirs.query('drop role greenlight_rehearsal')
})

test('a wrong password is told without the URL', async () => {
  vi.stubEnv('GREENLIGHT_ENGINE_URL', url.replace('of%20the%20owner', 'hunter2'))
  const error = await start().catch((thrown) => thrown)
  expect(error).toMatchObject({ code: 'database.failed', message: expect.stringContaining('as owner on 127.0.0.1') })
  expect(error.message).not.toContain('hunter2')
})
