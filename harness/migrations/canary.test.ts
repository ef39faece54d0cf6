import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { startCanary } from './canary.ts'

let cluster: Cluster
let database: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('app')
  await using admin = await database.connect()
  await admin.query('create role service_role; create table public.tasks (id int); grant all on public.tasks to public')
})
afterAll(() => cluster.stop())

/** The log of a reader whose table goes away, and is back or not when it is stopped without a request in between. */
async function awayFor(milliseconds: number, back: boolean) {
  const canary = await startCanary(database, { requests: ['select from public.tasks'], writes: false, interval: 20 })
  await using admin = await database.connect()
  await admin.query('alter table public.tasks rename to gone')
  await wait(milliseconds)
  await canary.pause()
  if (back) await admin.query('alter table public.gone rename to tasks')
  const log = await canary.stop()
  if (!back) await admin.query('alter table public.gone rename to tasks')
  return log
}

describe('a canary that is stopped', () => {
  it('has seen the end of a failure that the last statement ended', async () => {
    const { gone, spans } = await awayFor(500, true)
    expect(gone).toBeUndefined()
    expect(spans).toMatchObject([{ failedWith: '42P01' }])
    expect((spans[0]?.until ?? 0) - (spans[0]?.since ?? 0)).toBeGreaterThan(400)
  })

  it('says what is gone for good', async () => {
    const { gone, spans } = await awayFor(100, false)
    expect(gone).toMatchObject({ sqlstate: '42P01' })
    expect(spans).toEqual([])
  })
})
