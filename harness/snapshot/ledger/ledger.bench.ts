import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareLedger } from './compare-ledger.ts'

const rows = Number(process.env.LEDGER_ROWS ?? 2_000_000)
const changed = 10
const rounds = 3

/**
 * The ledger against a bare scan: `sum(hash_record_extended(row))` of both sides at the same time, on the same server, which
 * finds out that something differs and nothing more. Runs alternate; the medians are compared.
 */
describe(`the ledger over ${rows.toLocaleString('en-US')} rows of which ${changed} changed`, () => {
  let cluster: Cluster
  let before: Database
  let after: Database

  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    {
      await using connection = await before.connect()
      await connection.query(`CREATE TABLE messages AS SELECT g::bigint AS id, gen_random_uuid() AS sender, md5(g::text) AS subject,
        repeat(md5((g * 7)::text), 2) AS body, now() + g * interval '1 second' AS sent_at, g % 100 AS room FROM generate_series(1, ${rows}) g`)
      await connection.query('ALTER TABLE messages ADD PRIMARY KEY (id)')
      await connection.query('VACUUM (ANALYZE, FREEZE) messages')
    }
    after = await before.clone('after')
    await using connection = await after.connect()
    await connection.query(`UPDATE messages SET body = 'overwritten' WHERE id % ${Math.floor(rows / changed)} = 7`)
  }, 600_000)
  afterAll(() => cluster?.stop())

  it('takes no more than 1.3 times as long, and names every changed row', async () => {
    const bare: number[] = []
    const ledger: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const scanTime = await timed(() => Promise.all([bareScan(before), bareScan(after)]))
      let keys: readonly (readonly string[])[] = []
      const ledgerTime = await timed(async () => {
        const { findings } = await compareLedger(before, after)
        expect(findings.map((finding) => finding.kind)).toEqual(['data.values-changed'])
        keys = findings[0]?.rows?.keys ?? []
      })
      expect(keys).toHaveLength(changed)
      // The first round warms the caches.
      if (round > 0) bare.push(scanTime)
      if (round > 0) ledger.push(ledgerTime)
    }
    const ratio = median(ledger) / median(bare)
    const resident = process.memoryUsage().rss / 2 ** 20
    process.stderr.write(
      `ledger ${median(ledger).toFixed(0)} ms, bare scan ${median(bare).toFixed(0)} ms, ratio ${ratio.toFixed(2)}, resident ${resident.toFixed(0)} MB\n`,
    )
    expect(ratio).toBeLessThan(1.3)
  }, 600_000)

  it('stays small in memory when every row changed', async () => {
    await using all = await after.clone('all')
    {
      await using connection = await all.connect()
      await connection.query("UPDATE messages SET room = room + 1, subject = 'x'")
    }
    const start = process.memoryUsage().rss
    let most = start
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 20)
    const time = await timed(async () => {
      const { findings } = await compareLedger(before, all)
      expect(findings.find((finding) => finding.columns?.[0] === 'subject')?.title).toContain(
        rows.toLocaleString('en-US'),
      )
    })
    clearInterval(watch)
    process.stderr.write(
      `every row changed: ${time.toFixed(0)} ms, ${((most - start) / 2 ** 20).toFixed(0)} MB more, ${(most / 2 ** 20).toFixed(0)} MB resident\n`,
    )
    expect(most / 2 ** 20).toBeLessThan(500)
  }, 600_000)
})

async function bareScan(database: Database): Promise<void> {
  await using connection = await database.connect()
  await connection.query('SET jit = off; SET max_parallel_workers_per_gather = 0')
  await connection.query('SELECT count(*), sum(hash_record_extended(m, 0)) FROM messages m')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
