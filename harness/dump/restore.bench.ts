import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { findNativeClient, type NativeClient } from './native/client.ts'
import { makeLargeDump } from './native/large-dump.ts'
import type { ChildFacts, ChildResult } from './native/restore-child.ts'

/**
 * Our restore against `pg_restore -j 2`, into the same server with the same settings, in turns. Two ratios: without
 * gathering statistics, which pg_restore does not do, and with it, against `vacuumdb --analyze-only` after pg_restore.
 * `GREENLIGHT_BENCH_DUMP` names another dump instead of the reference app's; `GREENLIGHT_BENCH_ROUNDS` the rounds (3).
 */
const rounds = Number(process.env.GREENLIGHT_BENCH_ROUNDS ?? 3)
const reference =
  process.env.GREENLIGHT_BENCH_DUMP ?? fileURLToPath(new URL('../../fixtures/planner/production.dump', import.meta.url))
const child = fileURLToPath(new URL('./native/restore-child.ts', import.meta.url))

const client = await findNativeClient()

describe.skipIf(!client)(
  `restore against pg_restore -j 2 (${client?.source ?? 'neither PostgreSQL 17 nor its image here'})`,
  () => {
    let cluster: Cluster
    beforeAll(async () => {
      cluster = await startTestCluster()
    }, 60_000)
    afterAll(async () => {
      await cluster.stop()
      await client?.[Symbol.asyncDispose]()
    })

    test.skipIf(!existsSync(reference))(
      'the reference dump',
      () => compare('reference dump', async () => reference),
      600_000,
    )
    test('a dump of 300 MB', () => compare('dump of 300 MB', () => makeLargeDump(cluster, theClient())), 1_800_000)

    async function compare(name: string, dumpOf: () => Promise<string>): Promise<void> {
      // A container sees the temp folder only.
      const path = join(tmpdir(), `greenlight-bench-${process.pid}.dump`)
      await copyFile(await dumpOf(), path)
      const results: Round[] = []
      try {
        for (let round = 0; round < rounds; round++) {
          // Who goes first changes, so that neither always finds a warm cache.
          const ours = () => inFreshDatabase(cluster, (database) => restoreOurs(path, database))
          const native = () => inFreshDatabase(cluster, (database) => restoreNative(theClient(), path, database))
          if (round % 2 === 0) results.push({ ours: await ours(), native: await native() })
          else {
            const second = await native()
            results.push({ ours: await ours(), native: second })
          }
        }
      } finally {
        await rm(path, { force: true })
      }
      console.log(summary(name, results))
    }
  },
)

type Native = { readonly restore: number; readonly analyze: number; readonly cpu: number }
type Round = { readonly ours: ChildResult; readonly native: Native }

function theClient(): NativeClient {
  if (!client) throw new Error('no native client')
  return client
}

let databases = 0

async function inFreshDatabase<T>(cluster: Cluster, work: (database: Database) => Promise<T>): Promise<T> {
  await using database = await cluster.createDatabase(`bench_${databases++}`)
  await preparePlatform(database)
  return await work(database)
}

async function restoreOurs(path: string, database: Database): Promise<ChildResult> {
  const { engine, host, port, password, serverVersion, serverVersionNum } = database.cluster
  const facts: ChildFacts = { engine, host, port, password, serverVersion, serverVersionNum }
  const { stdout } = await promisify(execFile)(process.execPath, [child, path, database.name, JSON.stringify(facts)])
  return JSON.parse(stdout) as ChildResult
}

async function restoreNative(native: NativeClient, path: string, database: Database): Promise<Native> {
  const restored = await native.run('pg_restore', ['--jobs', '2', '--dbname', database.name, path], database)
  const analyzed = await native.run('vacuumdb', ['--analyze-only', '--jobs', '2', '--quiet', database.name], database)
  return { restore: restored.milliseconds, analyze: analyzed.milliseconds, cpu: restored.cpuMilliseconds }
}

function summary(name: string, results: readonly Round[]): string {
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  const ratio = (of: (round: Round) => number) => median(results.map(of)).toFixed(2)
  const plain = ({ ours }: Round) => ours.readMilliseconds + ours.restoreMilliseconds - ours.analyzeMilliseconds
  return [
    `${name}, ${results.length} rounds, medians`,
    `  ours          ${median(results.map(plain))} ms (of which reading through and hashing ${median(results.map((r) => r.ours.readMilliseconds))} ms)`,
    `  pg_restore    ${median(results.map((r) => r.native.restore))} ms`,
    `  ratio         ${ratio((r) => plain(r) / r.native.restore)}`,
    `  with ANALYZE  ${ratio((r) => (plain(r) + r.ours.analyzeMilliseconds) / (r.native.restore + r.native.analyze))}`,
    `  client CPU    ${median(results.map((r) => r.ours.cpuMilliseconds))} ms against ${median(results.map((r) => r.native.cpu))} ms`,
    `  peak memory   ${Math.max(...results.map((r) => r.ours.peakMegabytes))} MB resident`,
    `  phases        ${results
      .at(-1)
      ?.ours.phases.map((p) => `${p.name} ${p.milliseconds}`)
      .join(', ')}`,
    `  not restored  ${Math.max(...results.map((r) => r.ours.failed))} entries`,
  ].join('\n')
}
