import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareLedger } from './compare-ledger.ts'
import { planLedger } from './layout.ts'
import { comparableHeaps, sameChunks } from './pages.ts'
import { openPair } from './session.ts'
import { takeCatalogs } from './take.ts'
import { type LedgerCase, runCases } from './test-cases.ts'

const twoMoods = "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE t (id int PRIMARY KEY, v mood);"

/** Migrations after which the pages of a table are the same, and its values are not. */
const cases = {
  'a label of an enum that gets another name': {
    before: `${twoMoods} INSERT INTO t VALUES (1, 'good'), (2, 'bad')`,
    migration: "ALTER TYPE mood RENAME VALUE 'bad' TO 'awful'",
    findings: ['data.values-changed t(v): 2'],
  },
  'a label of an enum in an array': {
    before: `${twoMoods} ALTER TABLE t ADD all_of mood[]; INSERT INTO t VALUES (1, 'good', '{bad}')`,
    migration: "ALTER TYPE mood RENAME VALUE 'bad' TO 'awful'",
    findings: ['data.values-changed t(all_of): 1'],
  },
  'a table that a column names by its number': {
    before:
      'CREATE TABLE named (); CREATE TABLE t (id int PRIMARY KEY, v regclass); INSERT INTO t VALUES (1, $$named$$)',
    migration: 'ALTER TABLE named RENAME TO renamed',
    findings: ['data.values-changed t(v): 1'],
  },
  'a column that is dropped and made again empty': {
    before: "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'kept')",
    migration: 'ALTER TABLE t DROP v; ALTER TABLE t ADD v text',
    findings: ['data.values-changed t(v): 1'],
  },
  'a column that is made again with another default': {
    before: "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); ALTER TABLE t ADD v text DEFAULT 'a'",
    migration: "ALTER TABLE t DROP v; ALTER TABLE t ADD v text DEFAULT 'b'",
    findings: ['data.values-changed t(v): 1'],
  },
  'two columns that swap their names': {
    before: "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'x', 'y')",
    migration: 'ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b',
    findings: ['data.values-changed t(a): 1', 'data.values-changed t(b): 1'],
  },
  'a column of a partition that is made again while it is detached': {
    before: `CREATE TABLE t (id int NOT NULL, v text) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF t FOR VALUES FROM (1) TO (9);
      ALTER TABLE t ADD PRIMARY KEY (id); INSERT INTO t VALUES (1, 'kept')`,
    migration: `ALTER TABLE t DETACH PARTITION part; ALTER TABLE part DROP v; ALTER TABLE part ADD v text;
      ALTER TABLE t ATTACH PARTITION part FOR VALUES FROM (1) TO (9)`,
    findings: ['data.values-changed t(v): 1'],
  },
  'an unlogged table, whose pages no checkpoint writes': {
    before: "CREATE UNLOGGED TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'kept')",
    migration: "UPDATE t SET v = 'other'",
    findings: ['data.values-changed t(v): 1'],
  },
} satisfies Record<string, LedgerCase>

describe('what pages do not tell is told by rows', () => {
  let found: Awaited<ReturnType<typeof runCases<keyof typeof cases>>>
  beforeAll(async () => {
    found = await runCases(cases)
  })

  it.each(Object.keys(cases) as (keyof typeof cases)[])('%s', (name) => {
    expect(found(name).told).toEqual(cases[name].findings)
  })
})

describe('pages that are the same on both sides', () => {
  let cluster: Cluster
  let before: Database
  let after: Database
  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    {
      await using connection = await before.connect()
      await connection.query(`CREATE TABLE messages WITH (fillfactor = 90) AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g;
        ALTER TABLE messages ADD PRIMARY KEY (id);
        CREATE TABLE letters (id int PRIMARY KEY, body text STORAGE EXTERNAL);
        INSERT INTO letters SELECT g, repeat(md5(g::text), 200) FROM generate_series(1, 50) g`)
      // Marks the rows as committed, which every reader does once the commit is on disk.
      await connection.query('CHECKPOINT')
      await connection.query('VACUUM messages')
    }
    after = await before.clone('after')
  })
  afterAll(() => cluster?.stop())

  async function same(table: string, other: Database, pagesPerChunk = 8) {
    const catalogs = await takeCatalogs(before, other, undefined)
    const pair = planLedger(catalogs.before, catalogs.after).pairs.find((one) => one.before.name === table)
    if (pair === undefined) throw new Error(`No table is called ${table}.`)
    await using sessions = await openPair(before, other)
    const chunks = await sameChunks(sessions, pair, pagesPerChunk)
    const places = [...chunks.places].map((name) => Number(name.split('/')[1]))
    return { places, of: Math.ceil((pair.after.heaps[0]?.pages ?? 0) / pagesPerChunk), pair, chunks }
  }

  it('are all pages of a clone, and their rows are counted', async () => {
    const { places, of, chunks } = await same('messages', after)
    expect(places).toHaveLength(of)
    expect([...chunks.heapRows.values()]).toEqual([20_000])
  })

  it('are not those that a row was written to a moment ago, which no file holds yet', async () => {
    await using written = await after.clone('written')
    await using writer = await written.connect()
    await writer.query("UPDATE messages SET body = 'other' WHERE id = 4000")
    const { places, of } = await same('messages', written)
    const block = await writer.query<{ block: number }>(
      `SELECT split_part(trim('()' FROM min(ctid)::text), ',', 1)::int AS block FROM messages WHERE id = 3999`,
    )
    expect(places).not.toContain(Math.floor((block.rows[0]?.block ?? Number.NaN) / 8))
    expect(places.length).toBeGreaterThanOrEqual(of - 2)
    const { findings } = await compareLedger(before, written, { pagesFrom: 0 })
    expect(findings.map(({ kind, rows }) => [kind, rows?.keys])).toEqual([['data.values-changed', [['4000']]]])
  })

  it('are not those that hold a value apart which was replaced', async () => {
    await using written = await after.clone('replaced')
    await using writer = await written.connect()
    await writer.query("UPDATE letters SET body = repeat(md5('x'), 200) WHERE id = 7")
    const { findings } = await compareLedger(before, written, { pagesFrom: 0 })
    expect(findings.map(({ kind, rows }) => [kind, rows?.keys])).toEqual([['data.values-changed', [['7']]]])
  })

  it('are not looked for in a table that was written anew', async () => {
    await using written = await after.clone('anew')
    await using writer = await written.connect()
    await writer.query('VACUUM FULL messages')
    const { places, pair } = await same('messages', written)
    expect(comparableHeaps(pair)).toEqual([])
    expect(places).toEqual([])
    expect((await compareLedger(before, written, { pagesFrom: 0 })).findings).toEqual([])
  })

  it('are not looked for in all of a table of which hardly any is the same, and are where half of it is', async () => {
    await using written = await after.clone('nearly_all')
    await using writer = await written.connect()
    await writer.query("UPDATE messages SET body = 'other' WHERE id > 10000")
    const half = await same('messages', written, 1)
    expect(half.of).toBeGreaterThan(200)
    expect(half.places.length).toBeGreaterThan(40)
    await writer.query("UPDATE messages SET body = 'other' WHERE id > 1000")
    expect((await same('messages', written, 1)).places).toEqual([])
    const { findings } = await compareLedger(before, written, { pagesFrom: 0 })
    expect(findings.map(({ kind, title }) => [kind, title])).toEqual([
      ['data.values-changed', '19,000 rows of public.messages lost their value in column body.'],
    ])
  })

  it('tell a table that lost its last pages from one that did not', async () => {
    await using written = await after.clone('shorter')
    await using writer = await written.connect()
    await writer.query('DELETE FROM messages WHERE id > 10000')
    await writer.query('VACUUM messages')
    const { findings } = await compareLedger(before, written, { pagesFrom: 0 })
    expect(findings.map(({ kind, title }) => [kind, title])).toEqual([
      ['data.rows-deleted', '10,000 rows of public.messages were deleted.'],
    ])
  })
})
