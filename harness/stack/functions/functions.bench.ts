import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestFunctions, type TestFunctions } from './test-functions.ts'

/**
 * How long a call takes: the first of a function, which starts its process, and those after it. Goals on a quiet machine
 * with 2 cores: under 1 s and under 30 ms.
 */

const rounds = Number(process.env.GREENLIGHT_BENCH_ROUNDS ?? 10)
let started: TestFunctions
beforeAll(async () => {
  started = await startTestFunctions()
  // Packages are fetched and compiled once in the life of a machine.
  for (const name of ['private', 'mail', 'modern', 'jsx'])
    await (await started.call(name, { to: 'a@example.com' })).text()
})
afterAll(() => started[Symbol.asyncDispose]())

async function timed(call: () => Promise<Response>): Promise<number> {
  const began = performance.now()
  await (await call()).text()
  return performance.now() - began
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN
}

const told = (what: string, times: readonly number[]) =>
  console.log(`${what}: median ${median(times).toFixed(1)} ms, slowest ${Math.max(...times).toFixed(1)} ms`)

test('a call of a function that runs', async () => {
  const times: number[] = []
  for (let n = 0; n < rounds * 20; n++) times.push(await timed(() => started.call('private')))
  told('warm', times)
  expect(median(times)).toBeLessThan(30)
})

test('a first call: without packages, and with the Resend client', async () => {
  for (const name of ['private', 'mail']) {
    const times: number[] = []
    for (let n = 0; n < rounds; n++) {
      await started.functions.restart()
      times.push(await timed(() => started.call(name, { to: 'a@example.com' })))
    }
    told(`cold, ${name}`, times)
    expect(median(times)).toBeLessThan(1_000)
  }
})

test('four functions called for the first time at once, and fifty calls at once', async () => {
  await started.functions.restart()
  const first = await Promise.all(
    ['private', 'mail', 'modern', 'jsx'].map((name) => timed(() => started.call(name, { to: 'a@example.com' }))),
  )
  told(`cold, four at once on ${availableParallelism()} cores`, first)
  told('fifty at once', await Promise.all(Array.from({ length: 50 }, () => timed(() => started.call('private')))))
})
