import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { shut } from './shut.ts'

let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
})
afterAll(() => cluster.stop())

test('while suites run, a superuser on a clone cannot get at the database that it was cloned from', async () => {
  {
    await using _ = await shut([before])
    await using clone = await before.clone('clone_1')
    await using session = await clone.connect()
    await session.query('create extension dblink')
    await expect(before.connect()).rejects.toThrow('not currently accepting connections')
    const way = `user=supabase_admin password=${cluster.password} host=${cluster.host} port=${cluster.port} dbname=before`
    await expect(session.query('select dblink_exec($1, $2)', [way, 'create table written ()'])).rejects.toThrow(
      'could not establish connection',
    )
  }
  await using session = await before.connect()
  expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a role that a suite leaves changed is told, since it belongs to all databases; one used is not', async () => {
  const changing = async (sql: string) => {
    await using _ = await shut([before])
    await using clone = await before.clone('clone_2')
    await using session = await clone.connect()
    await session.query(sql)
  }
  await changing('create role visitor; drop role visitor; set role pg_monitor')
  await expect(changing('create role visitor')).rejects.toMatchObject({ code: 'suites.failed' })
  await expect(changing('alter role visitor bypassrls')).rejects.toMatchObject({ code: 'suites.failed' })
})
