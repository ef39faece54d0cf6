import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, rm, stat } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { serverCpu } from '../database/test-server-cpu.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { findNativeClient, type NativeClient } from './native/client.ts'
import { makeLargeDump } from './native/large-dump.ts'
import type { ChildFacts, ChildResult } from './native/restore-child.ts'
import { type Restored, summary } from './native/restore-summary.ts'

/**
 * Our restore, without masks and with them, against `pg_restore -j 2`, into the same server with the same settings, in
 * turns. `GREENLIGHT_BENCH_MEGABYTES`: the dumps that it makes (`30,300`); `GREENLIGHT_BENCH_DUMP`: another one in the
 * place of the reference app's; `GREENLIGHT_BENCH_ROUNDS`: how often (3).
 */
const rounds = Number(process.env.GREENLIGHT_BENCH_ROUNDS ?? 3)
const sizes = (process.env.GREENLIGHT_BENCH_MEGABYTES ?? '30,300').split(',').map(Number)
const reference =
  process.env.GREENLIGHT_BENCH_DUMP ?? fileURLToPath(new URL('../../fixtures/planner/production.dump', import.meta.url))
const child = fileURLToPath(new URL('./native/restore-child.ts', import.meta.url))
/** A database of the bench is so many times its dump. */
const databaseRatio = 4

const client = await findNativeClient()

describe.skipIf(!client)(
  `restore against pg_restore -j 2 (${client?.source ?? 'neither PostgreSQL 17 nor its image here'})`,
  () => {
    afterAll(() => client?.[Symbol.asyncDispose]())

    test.skipIf(!existsSync(reference))('the reference dump', () => compare('reference dump', reference), 600_000)
    test.each(sizes)(
      'a dump of %d MB',
      async (megabytes) => {
        await compare(`dump of ${megabytes} MB`, await largeDump(megabytes))
      },
      6 * 3_600_000,
    )
  },
)

async function largeDump(megabytes: number): Promise<string> {
  await using cluster = await startTestCluster(megabytes * 1e6 * databaseRatio)
  return await makeLargeDump(cluster, theClient(), megabytes)
}

async function compare(name: string, dump: string): Promise<void> {
  await using cluster = await startTestCluster((await stat(dump)).size * databaseRatio)
  // A container sees the temp folder only.
  const path = join(tmpdir(), `greenlight-bench-${process.pid}.dump`)
  await copyFile(dump, path)
  const results: Record<Contestant, Restored[]> = { ours: [], masked: [], native: [] }
  try {
    for (let round = 0; round < rounds; round++) {
      // Who goes first changes, so that none always finds a warm cache.
      for (const each of [...contestants.slice(round % 3), ...contestants.slice(0, round % 3)])
        results[each].push(await inFreshDatabase(cluster, (database) => restoreBy[each](path, database)))
    }
  } finally {
    await rm(path, { force: true })
  }
  const load = loadavg().map((each) => each.toFixed(1))
  console.log(`${name}, ${rounds} rounds, load of the machine at the end ${load.join(' ')}\n${summary(results)}`)
}

type Timed = Omit<Restored, 'serverCpuMilliseconds'>
type Contestant = keyof Parameters<typeof summary>[0]
const contestants: readonly Contestant[] = ['ours', 'native', 'masked']

const restoreBy: Readonly<Record<Contestant, (path: string, database: Database) => Promise<Timed>>> = {
  ours: (path, database) => restoreOurs(path, database),
  masked: (path, database) => restoreOurs(path, database, 'masked'),
  native: restoreNative,
}

function theClient(): NativeClient {
  if (!client) throw new Error('no native client')
  return client
}

let databases = 0

/** With the CPU seconds that the server spent on it. */
async function inFreshDatabase(cluster: Cluster, work: (database: Database) => Promise<Timed>): Promise<Restored> {
  await using database = await cluster.createDatabase(`bench_${databases++}`)
  await preparePlatform(database)
  const before = await serverCpu(cluster)
  const restored = await work(database)
  return { ...restored, serverCpuMilliseconds: (await serverCpu(cluster)) - before }
}

async function restoreOurs(path: string, database: Database, ...masked: string[]): Promise<Timed> {
  const { engine, host, port, password, serverVersion, serverVersionNum } = database.cluster
  const facts: ChildFacts = { engine, host, port, password, serverVersion, serverVersionNum }
  const args = [child, path, database.name, JSON.stringify(facts), ...masked]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const result = JSON.parse(stdout) as ChildResult
  const { readMilliseconds, restoreMilliseconds, analyzeMilliseconds } = result
  return {
    milliseconds: readMilliseconds + restoreMilliseconds - analyzeMilliseconds,
    analyzeMilliseconds,
    cpuMilliseconds: result.cpuMilliseconds,
    details: result,
  }
}

async function restoreNative(path: string, database: Database): Promise<Timed> {
  const options = ['--jobs', '2', '--dbname', database.name, path]
  const restored = await theClient().run('pg_restore', options, database)
  const analyze = ['--analyze-only', '--jobs', '2', '--quiet', database.name]
  const analyzed = await theClient().run('vacuumdb', analyze, database)
  return {
    milliseconds: restored.milliseconds,
    analyzeMilliseconds: analyzed.milliseconds,
    cpuMilliseconds: restored.cpuMilliseconds,
  }
}
