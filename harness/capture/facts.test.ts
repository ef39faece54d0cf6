import { expect, test } from 'vitest'
import { startTestCluster } from '../database/test-cluster.ts'
import { takeServerFacts } from './facts.ts'

test('the costliest queries come without their constants, with the role that sent them', async () => {
  await using cluster = await startTestCluster()
  await using database = await cluster.createDatabase('captured')
  await using admin = await database.connect()
  await admin.query(
    `create extension pg_stat_statements; create role app_reader; create table public.logs (id int, level text);
     grant select on public.logs to app_reader`,
  )
  await admin.query(`set pg_stat_statements.track = 'top'; set role app_reader`)
  await admin.query(`select id from public.logs where level = 'secret' limit 7`)
  await admin.query('reset role')
  await admin.query('begin')
  const { queries = [] } = await takeServerFacts(admin)
  expect(queries).toContainEqual({
    query: 'select id from public.logs where level = $1 limit $2',
    role: 'app_reader',
    calls: 1,
    milliseconds: expect.any(Number),
    rows: 0,
  })
  expect(JSON.stringify(queries)).not.toContain('secret')
})
