import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SuiteRun } from '../model/suite-run.ts'
import { judgeSuites } from '../verdict/suites.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broken-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** `/breaks` breaks off within the Data API, `/refuses` is answered; on `before` neither does any harm. */
const suite = `
  import { expect, test } from '#suite'
  const ask = async ({ url }, path) => (await fetch(url + path)).status
  test('fails by a break', async ({ api }) => expect(await ask(api, '/breaks')).toBe(200))
  test('fails by itself', async ({ api }) => expect(await ask(api, '/refuses')).toBe(200))
  test('passes all the same', async ({ api }) => expect(await ask(api, '/breaks')).toBeGreaterThan(0))`

/** Runs the suite on stacks that listen, but for those of `closed`, which cannot be opened. */
async function runOn(closed: 'after' | 'none'): Promise<SuiteRun> {
  await writeFile(join(folder, 'breaks.suite.ts'), suite)
  const script = `
    import { createServer } from 'node:http'
    import { startControl } from '${new URL('control.ts', import.meta.url)}'
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const open = async (side) => {
      if (side === '${closed}') throw new Error('could not create database: no space')
      const breaks = []
      const server = createServer((request, response) => {
        const broken = request.url === '/breaks' && side === 'after'
        if (broken) breaks.push({ at: Date.now(), path: '/rest/v1/tasks', message: 'socket hang up' })
        response.writeHead(side === 'before' ? 200 : broken ? 502 : 403).end()
      })
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      return {
        url: 'http://127.0.0.1:' + server.address().port, anonKey: '', serviceKey: '', jwtSecret: '',
        databaseUrl: {}, functions: [], settled: async () => {}, egress: () => [], called: () => [],
        failures: () => [], logs: () => [], breaks: () => breaks,
        [Symbol.asyncDispose]: async () => server.closeAllConnections() ?? server.close(),
      }
    }
    const control = await startControl(open)
    const run = await runSuites({
      control, contracts: {}, canaries: [], seed: 1, own: ['${folder}/*.suite.ts'], only: ['breaks.suite'],
    })
    await control[Symbol.asyncDispose]()
    process.stdout.write(JSON.stringify(run))
    process.exit()`
  await writeFile(join(folder, 'run.mjs'), script)
  const { stdout } = await execa(process.execPath, ['run.mjs'], { cwd: folder, stdin: 'ignore' })
  return JSON.parse(stdout)
}

test('a test that fails while its stack breaks off is told as not run, with what broke off; one that fails by itself as failed', async () => {
  const run = await runOn('none')
  expect(run.tests.map(({ name, before, after, outcome }) => `${name}: ${before}, ${after}: ${outcome}`)).toEqual([
    'fails by a break: passed, not run: not run',
    'fails by itself: passed, failed: regressed',
    'passes all the same: passed, passed: same',
  ])
  const said =
    'its stack broke off (/rest/v1/tasks: socket hang up), so that its failure does not tell of the app: expected 502 to be 200'
  expect(run.errors).toEqual([expect.stringContaining(`(after) > fails by a break: ${said}`)])
  const { findings, checks } = judgeSuites(run)
  expect(findings.map(({ finding }) => `${finding.kind} ${finding.title}`)).toEqual([
    'feature.regressed "fails by itself" passes before the migrations and fails after them.',
  ])
  expect(checks.find(({ id }) => id === 'features.suites')).toMatchObject({
    status: 'not run',
    required: true,
    reason: expect.stringContaining(said),
  })
})

test('tests whose stack cannot be opened are told as not run, with why, and as nobody’s harm', async () => {
  const run = await runOn('after')
  expect(run.tests.map(({ before, after, outcome }) => `${before}, ${after}: ${outcome}`)).toEqual(
    Array.from({ length: 3 }, () => 'passed, not run: not run'),
  )
  expect(run.errors[0]).toContain('could not be had: could not create database: no space')
  const { findings, checks } = judgeSuites(run)
  expect(findings).toEqual([])
  expect(checks.find(({ id }) => id === 'features.suites')).toMatchObject({ status: 'not run', required: true })
})
