import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, test, vi } from 'vitest'
import { identify } from '../process-identity.ts'
import { startTestCluster } from '../test-cluster.ts'
import { embeddedEngine } from './engine.ts'

const workspaces = () =>
  [tmpdir(), '/dev/shm']
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root))
    .filter((name) => name.startsWith(`greenlight-${process.pid}-`))

describe('embedded engine', () => {
  test('starts, makes databases, clones them, and leaves nothing behind', async () => {
    const cluster = await startTestCluster()
    expect(workspaces()).toHaveLength(1)
    const before = await cluster.createDatabase('before')
    {
      await using session = await before.connect()
      await session.query('create table t as select generate_series(1, 10) n')
      // Left open on purpose: a clone must not wait for it.
      const idle = await before.connect()
      await using after = await before.clone('after')
      await using reader = await after.connect({ readOnly: true })
      const { rows } = await reader.query('select count(*)::int as n from t')
      expect(rows).toEqual([{ n: 10 }])
      await expect(reader.query('insert into t values (11)')).rejects.toMatchObject({ code: '25006' })
      await idle.end().catch(() => {})
    }
    await using session = await cluster.database('template1').connect()
    const { rows } = await session.query("select datname from pg_database where datname in ('before', 'after')")
    expect(rows).toEqual([{ datname: 'before' }])
    const { rows: pids } = await session.query('select pid from pg_stat_activity where pid = pg_backend_pid()')
    await cluster.stop()
    await cluster.stop()
    expect(identify(pids[0].pid)).toBeUndefined()
    expect(workspaces()).toEqual([])
  })

  test('a clone keeps the owner, the grants and the settings of its database', async () => {
    await using cluster = await startTestCluster()
    const before = await cluster.createDatabase('before')
    await using session = await before.connect()
    await session.query('create role keeper')
    await session.query('alter database before owner to keeper')
    await session.query('revoke connect on database before from public')
    await session.query('grant temporary on database before to keeper')
    await session.query('alter database before set search_path = "$user", public, extensions')
    await session.query("alter role keeper in database before set app.flag = 'on'")
    const properties = `select pg_get_userbyid(datdba) as owner, datacl::text,
        (select array_agg(setrole::regrole || setconfig::text order by 1) from pg_db_role_setting where setdatabase = d.oid) as settings
      from pg_database d where datname = $1`
    const original = (await session.query(properties, ['before'])).rows
    await before.clone('after')
    await using other = await cluster.database('after').connect()
    expect((await other.query(properties, ['after'])).rows).toEqual(original)
    expect((await other.query('show search_path')).rows).toEqual([{ search_path: '"$user", public, extensions' }])
  })

  test('two clusters run at one time on ports of their own', async () => {
    const [one, two] = await Promise.all([startTestCluster(), startTestCluster()])
    try {
      expect(one.port).not.toBe(two.port)
      expect(one.password).not.toBe(two.password)
    } finally {
      await Promise.all([one.stop(), two.stop()])
    }
  })

  test('a taken port is refused with its number, and nothing is left behind', async () => {
    await using cluster = await startTestCluster()
    await expect(embeddedEngine.start({ port: cluster.port })).rejects.toMatchObject({
      code: 'engine.port-taken',
      message: expect.stringContaining(String(cluster.port)),
    })
    expect(workspaces()).toHaveLength(1)
  })

  test('a start that is aborted takes down what was half built', async () => {
    const abort = new AbortController()
    const start = embeddedEngine.start({ signal: abort.signal })
    const refused = expect(start).rejects.toMatchObject({ code: 'aborted' })
    // The folder is made first; the server's data is still to come then.
    await vi.waitUntil(() => workspaces().length === 1, { interval: 1 })
    abort.abort()
    await refused
    expect(workspaces()).toEqual([])
  })

  test('refuses a wrong password', async () => {
    await using cluster = await startTestCluster()
    const { default: pg } = await import('pg')
    const client = new pg.Client({ ...cluster.database('template1').config(), password: 'wrong' })
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' })
  })
})
