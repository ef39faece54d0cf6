import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { extensionFiles } from '../../platform/extension-files.ts'
import { embeddedEngine } from './engine.ts'

/** Start to first query. Cold: binaries copied and initdb run; warm: from the cached data folder. Tells every round. */
const usual = process.env.GREENLIGHT_CACHE
let cache: string

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'greenlight-bench-'))
  // Root lends the server another user, who must be able to read it.
  await chmod(cache, 0o755)
})
afterAll(async () => {
  if (usual === undefined) delete process.env.GREENLIGHT_CACHE
  else process.env.GREENLIGHT_CACHE = usual
  await rm(cache, { recursive: true, force: true })
})

async function startToFirstQuery(): Promise<number> {
  const from = performance.now()
  await using cluster = await embeddedEngine.start({ extensionFiles })
  await using session = await cluster.database('template1').connect()
  await session.query('SELECT 1')
  return (performance.now() - from) / 1000
}

function tell(way: string, seconds: readonly number[]): void {
  const sorted = [...seconds].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  console.log(
    `${way}: median ${median.toFixed(2)} s (${seconds.map((one) => one.toFixed(2)).join(', ')}); load of the machine ${loadavg()[0]?.toFixed(1)}`,
  )
}

test('cold and from the cache', async () => {
  const cold: number[] = []
  const warm: number[] = []
  for (let round = 0; round < 3; round++) {
    process.env.GREENLIGHT_CACHE = join(cache, String(round))
    cold.push(await startToFirstQuery())
    for (let again = 0; again < 3; again++) warm.push(await startToFirstQuery())
  }
  tell('cold', cold)
  tell('from the cached data folder', warm)
  expect(Math.max(...warm)).toBeLessThan(Math.max(...cold))
}, 180_000)
