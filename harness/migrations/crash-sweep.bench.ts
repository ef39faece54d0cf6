import { loadavg } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloner } from '../clones.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { serverCpu } from '../database/test-server-cpu.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { cutTransaction, sweepParts } from './crash-sweep.ts'
import { testFile } from './test-files.ts'

/**
 * Fifty statements over 300 MB of data, cut after each of them: first in a file of one transaction, where one cut before
 * COMMIT stands for all, then in one that commits after each, where every cut leaves another database, on which the file
 * is run again, and taken back.
 */
const tables = 4
const columns = 12
let cluster: Cluster
let base: Database
const clone = cloner('sweep')

beforeAll(async () => {
  cluster = await startTestCluster()
  base = await cluster.createDatabase('base')
  await preparePlatform(base)
  await using owner = await base.connect({ role: 'postgres' })
  for (let table = 1; table <= tables; table++) {
    await owner.query(
      `CREATE TABLE public.big_${table} AS SELECT g::bigint AS id, md5(g::text) AS title, repeat(md5((g * 3)::text), 3) AS body, g % 50 AS room
       FROM generate_series(1, 400000) g; ALTER TABLE public.big_${table} ADD PRIMARY KEY (id)`,
    )
  }
  const { rows } = await owner.query<{ size: number }>('SELECT pg_database_size(current_database())::float8 AS size')
  expect(rows[0]?.size).toBeGreaterThan(300e6)
}, 300_000)
afterAll(() => cluster?.stop())

/** 4 × 12 columns, then an index and rows written: what a migration of many statements is like. Each can run twice. */
const statements = [
  ...Array.from({ length: tables * columns }, (_, at) => {
    const table = `public.big_${(at % tables) + 1}`
    return `alter table ${table} add column if not exists c${Math.floor(at / tables)} int default ${at};`
  }),
  'create index if not exists big_1_room on public.big_1 (room);',
  'update public.big_2 set c0 = 100 where id <= 1000 and c0 <> 100;',
]

test('of a file in one transaction', async () => {
  await using database = await clone(base)
  const file = testFile('201_one.sql', statements.join('\n'))
  const elevated = [{ line: 1, column: 1, right: 'compared, not proven by transactions alone' }]
  const rows = [{ table: 'public.big_2', inserted: 0, updated: 1000, deleted: 0 }]
  for (const [name, applied] of [
    ['told by its transactions', undefined],
    ['compared', { elevated, rows }],
  ] as const) {
    const timed = await timing(async () => {
      const sweep = await cutTransaction(database, file, applied, undefined)
      expect(sweep).toMatchObject({ outcome: 'as before', cuts: 50 })
    })
    say(`one transaction, ${name}`, timed)
    expect(timed.seconds).toBeLessThan(60)
  }
}, 300_000)

test('of a file that commits after each statement', async () => {
  const file = testFile('202_parts.sql', `begin;\n${statements[0]}\ncommit;\n${statements.slice(1).join('\n')}`)
  const timed = await timing(async () => {
    const sweep = await sweepParts(base, file, { record: true, clone })
    expect(sweep).toMatchObject({ outcome: 'resumable', states: 49 })
  })
  say('a commit after each statement', timed)
  // Wall time on a machine that is busy with other work says little; what the cores did says it.
  expect(Math.min(timed.seconds, timed.cpuSeconds)).toBeLessThan(60)
}, 900_000)

type Timed = { readonly seconds: number; readonly cpuSeconds: number }

/** Wall time, and the CPU seconds of this process and of the server's sessions. */
async function timing(work: () => Promise<void>): Promise<Timed> {
  const [start, own, server] = [performance.now(), process.cpuUsage(), await serverCpu(cluster)]
  await work()
  const { user, system } = process.cpuUsage(own)
  const cpuSeconds = (user + system) / 1e6 + ((await serverCpu(cluster)) - server) / 1000
  return { seconds: (performance.now() - start) / 1000, cpuSeconds }
}

function say(what: string, { seconds, cpuSeconds }: Timed): void {
  const load = loadavg()[0]?.toFixed(1)
  process.stderr.write(
    `50 statements, 300 MB, ${what}: cut after each in ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU seconds (load ${load})\n`,
  )
}
