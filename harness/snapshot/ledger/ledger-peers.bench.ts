import { extract, plan, provePlan } from '@supabase/pg-delta'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareLedger } from './compare-ledger.ts'

const rows = Number(process.env.LEDGER_ROWS ?? 2_000_000)
const changed = 10
const rounds = 2

const comparator = await execa('pg_comparator', ['--version'], { reject: false }).then(({ exitCode }) => exitCode === 0)

/**
 * The ledger beside its peers, on one server and one table: Debian's pg_comparator (package postgresql-comparator), which
 * finds rows by their keys, and pg-delta's `prove`, which hashes the tables of one database before and after a plan and
 * names no row.
 * Runs alternate, so that load on the machine is shared; medians are compared.
 */
describe(`peers of the ledger over ${rows.toLocaleString('en-US')} rows of which ${changed} changed`, () => {
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
      // pg_comparator's own functions are built for another server. Postgres' hash, inlined, is faster than they are.
      await connection.query(`CREATE FUNCTION cksum4(text) RETURNS int4 LANGUAGE sql IMMUTABLE AS 'SELECT hashtext($1)';
        CREATE FUNCTION cksum8(text) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT hashtextextended($1, 0)'`)
    }
    after = await before.clone('after')
    await using connection = await after.connect()
    await connection.query(`UPDATE messages SET body = 'overwritten' WHERE id % ${Math.floor(rows / changed)} = 7`)
  }, 600_000)
  afterAll(() => cluster?.stop())

  it.skipIf(!comparator)(
    'pg_comparator takes at least three times as long',
    async () => {
      await race('pg_comparator', async () => {
        const columns = 'messages?id:sender,subject,body,sent_at,room'
        const { stdout } = await execa(
          'pg_comparator',
          ['--pg-text-cast', `${peerUrl(before)}/${columns}`, `${peerUrl(after)}/${columns}`],
          { timeout: 300_000 },
        )
        expect(stdout.split('\n').filter((line) => /^UPDATE\b/.test(line))).toHaveLength(changed)
        return undefined
      })
    },
    900_000,
  )

  it("pg-delta's prove takes at least three times as long, over one of the two databases", async () => {
    await using desired = await before.clone('desired')
    {
      await using connection = await desired.connect()
      await connection.query('CREATE TABLE extra ()')
    }
    const facts = await Promise.all([after, desired].map(extracted))
    const [source, wanted] = facts
    if (!source || !wanted) throw new Error('Two databases, two sets of facts.')
    const additive = plan(source, wanted)
    await race('pgdelta prove', async () => {
      await using clone = await after.clone('proven')
      const pool = clone.pool({ max: 2 })
      const start = performance.now()
      const proof = await provePlan(additive, pool, wanted)
      const time = performance.now() - start
      await pool.end()
      expect(proof).toMatchObject({ ok: true, coverage: { tablesChecked: 1 } })
      return time
    })
  }, 900_000)

  /** Lets the ledger and a peer run in turns. A peer that answers with a time has measured itself. */
  async function race(name: string, peer: () => Promise<number | undefined>): Promise<void> {
    const times: { readonly ledger: number; readonly peer: number }[] = []
    for (let round = 0; round <= rounds; round++) {
      const ledger = await timed(async () => {
        const { findings } = await compareLedger(before, after)
        expect(findings.map(({ kind, rows: found }) => [kind, found?.keys.length])).toEqual([
          ['data.values-changed', changed],
        ])
      })
      let measured: number | undefined
      const whole = await timed(async () => {
        measured = await peer()
      })
      // The first round warms the caches.
      if (round > 0) times.push({ ledger, peer: measured ?? whole })
    }
    const mine = median(times.map(({ ledger }) => ledger))
    const theirs = median(times.map((time) => time.peer))
    process.stderr.write(
      `${rows.toLocaleString('en-US')} rows: ledger ${mine.toFixed(0)} ms, ${name} ${theirs.toFixed(0)} ms, ${(theirs / mine).toFixed(1)} times as long\n`,
    )
    // The measure is 2,000,000 rows: for few, the ledger also reads catalogues, sequences and views.
    if (rows >= 2_000_000) expect(theirs / mine).toBeGreaterThan(3)
  }
})

async function extracted(database: Database) {
  const pool = database.pool({ max: 1 })
  try {
    return (await extract(pool)).factBase
  } finally {
    await pool.end()
  }
}

function peerUrl(database: Database): string {
  const { host, port, user, password } = database.config()
  return `pgsql://${user}:${password}@${host}:${port}/${database.name}`
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
