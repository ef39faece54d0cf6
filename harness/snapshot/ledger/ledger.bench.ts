import { loadavg } from 'node:os'
import { extract, plan, provePlan } from '@supabase/pg-delta'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../database/engine.ts'
import { compareLedger } from './compare-ledger.ts'
import { median, peakMemory, startTestTable, type TestTable, timed } from './test-table.ts'

const rows = Number(process.env.LEDGER_ROWS ?? 2_000_000)
const changed = 10
const rounds = rows > 5_000_000 ? 1 : 2
const patience = Math.max(600_000, rows * 0.3)

const comparator = await execa('pg_comparator', ['--version'], { reject: false }).then(({ exitCode }) => exitCode === 0)

/**
 * The ledger beside a bare scan and beside its peers, on one server and one table. Runs alternate, so that load on the
 * machine is shared, after a first round that warms the caches; medians are compared. `LEDGER_ROWS` says how many rows.
 *
 * The bare scan is `sum(hash_record_extended(row))` of both sides at the same time, which finds out that something differs
 * and nothing more. The peers are Debian's pg_comparator (package postgresql-comparator), which finds rows by their keys,
 * and pg-delta's `prove`, which hashes the tables of one database before and after a plan and names no row.
 */
describe(`the ledger over ${rows.toLocaleString('en-US')} rows of which ${changed} changed`, () => {
  let table: TestTable

  beforeAll(async () => {
    table = await startTestTable(rows, changed)
  }, patience)
  afterAll(() => table?.cluster.stop())

  it(
    'takes no more than 1.3 times as long as a bare scan, and names every changed row',
    async () => {
      const ratio = await race('bare scan', () => timed(() => Promise.all([table.before, table.after].map(bareScan))))
      if (rows >= 2_000_000) expect(ratio).toBeGreaterThan(1 / 1.3)
    },
    patience,
  )

  it.skipIf(!comparator)(
    'takes less than a third of what pg_comparator takes',
    async () => {
      const ratio = await race('pg_comparator', () =>
        timed(async () => {
          const columns = 'messages?id:sender,subject,body,sent_at,room'
          const sides = [table.before, table.after].map((side) => `${peerUrl(side)}/${columns}`)
          const { stdout } = await execa('pg_comparator', ['--pg-text-cast', ...sides], { timeout: patience })
          expect(stdout.split('\n').filter((line) => /^UPDATE\b/.test(line))).toHaveLength(changed)
        }),
      )
      if (rows >= 2_000_000) expect(ratio).toBeGreaterThan(3)
    },
    patience,
  )

  it(
    "takes less than a ninth of what pg-delta's prove takes over one of the two databases",
    async () => {
      await using desired = await table.before.clone('desired')
      {
        await using connection = await desired.connect()
        await connection.query('CREATE TABLE extra ()')
      }
      const wanted = await extracted(desired)
      const additive = plan(await extracted(table.after), wanted)
      const ratio = await race('pgdelta prove', async () => {
        await using clone = await table.after.clone('proven')
        const pool = clone.pool({}, { max: 2 })
        try {
          return await timed(async () => {
            const proof = await provePlan(additive, pool, wanted)
            expect(proof).toMatchObject({ ok: true, coverage: { tablesChecked: 1 } })
          })
        } finally {
          await pool.end()
        }
      })
      if (rows >= 2_000_000) expect(ratio).toBeGreaterThan(9)
    },
    patience,
  )

  it(
    'stays small in memory when every row changed',
    async () => {
      await using all = await table.after.clone('all')
      {
        await using connection = await all.connect()
        await connection.query("UPDATE messages SET room = room + 1, subject = 'x'")
      }
      const time = await timed(async () => {
        const { findings } = await compareLedger(table.before, all)
        const subject = findings.find((finding) => finding.columns?.[0] === 'subject')
        expect(subject?.title).toContain(rows.toLocaleString('en-US'))
      })
      say(`every row changed: ${time.toFixed(0)} ms`)
      expect(peakMemory()).toBeLessThan(500)
    },
    patience,
  )

  /** Lets the ledger and another run in turns: how many times as long the other takes. It answers with its time, in milliseconds. */
  async function race(name: string, other: () => Promise<number>): Promise<number> {
    const mine: number[] = []
    const theirs: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const ledger = await timed(async () => {
        const { findings } = await compareLedger(table.before, table.after)
        expect(findings.map(({ kind, rows: found }) => [kind, found?.keys.length])).toEqual([
          ['data.values-changed', changed],
        ])
      })
      const time = await other()
      if (round === 0) continue
      mine.push(ledger)
      theirs.push(time)
    }
    const ratio = median(theirs) / median(mine)
    say(
      `ledger ${median(mine).toFixed(0)} ms, ${name} ${median(theirs).toFixed(0)} ms, ${ratio.toFixed(1)} times as long`,
    )
    return ratio
  }
})

function say(line: string): void {
  const load = loadavg()[0]?.toFixed(1)
  process.stderr.write(
    `${rows.toLocaleString('en-US')} rows: ${line}; most memory of this process ${peakMemory().toFixed(0)} MB, load ${load}\n`,
  )
}

async function bareScan(database: Database): Promise<void> {
  await using connection = await database.connect()
  await connection.query('SET jit = off; SET max_parallel_workers_per_gather = 0')
  await connection.query('SELECT count(*), sum(hash_record_extended(m, 0)) FROM messages m')
}

async function extracted(database: Database) {
  const pool = database.pool({}, { max: 1 })
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
