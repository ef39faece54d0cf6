import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareLedger } from './compare-ledger.ts'
import { takeCatalogs, takeLedger } from './take.ts'

describe('a table that changes while it is compared', () => {
  let cluster: Cluster
  let before: Database
  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    await using connection = await before.connect()
    await connection.query(
      'CREATE TABLE calm (id int PRIMARY KEY); CREATE TABLE busy (id int PRIMARY KEY); INSERT INTO busy VALUES (1)',
    )
  })
  afterAll(() => cluster?.stop())

  it('is refused while a session has written to it', async () => {
    await using after = await before.clone('after')
    await using writer = await after.connect()
    await writer.query('BEGIN; INSERT INTO busy VALUES (2)')
    await expect(compareLedger(before, after, { lockTimeout: 100 })).rejects.toMatchObject({
      code: 'database.changing',
      message: expect.stringContaining('public.busy is written to while it is compared, in database after'),
    })
    await writer.query('ROLLBACK')
    expect((await compareLedger(before, after, { lockTimeout: 100 })).findings).toEqual([])
  })

  it('is refused when it grew, or went, since the catalogue was read', async () => {
    await using after = await before.clone('after')
    const catalogs = await takeCatalogs(before, after, undefined)
    await using writer = await after.connect()
    await writer.query('INSERT INTO busy SELECT generate_series(10, 5000)')
    await expect(takeLedger(before, after, catalogs)).rejects.toMatchObject({ code: 'database.changing' })
    await writer.query('DROP TABLE busy')
    await expect(takeLedger(before, after, catalogs)).rejects.toMatchObject({ code: 'database.changing' })
  })

  it('is waited for when the writer is done soon, and readers are no hindrance', async () => {
    await using after = await before.clone('after')
    await using writer = await after.connect()
    await using reader = await after.connect()
    await reader.query('BEGIN; SELECT FROM busy')
    await writer.query('BEGIN; INSERT INTO busy VALUES (2)')
    const running = compareLedger(before, after)
    await expect
      .poll(async () => (await reader.query("SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareLock'")).rowCount)
      .toBe(1)
    await writer.query('COMMIT')
    expect((await running).findings).toMatchObject([{ kind: 'data.rows-inserted', object: 'public.busy' }])
  })
})
