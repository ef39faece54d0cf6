import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SuiteRun } from '../model/suite-run.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'suites-'))
  await writeFile(
    join(folder, 'waits.suite.ts'),
    "import { test } from '#suite'\ntest('starts', () => {})\ntest('waits', () => new Promise(() => {}))\n",
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a suite that never ends in a process of its own; `then` is done there once its first test has. */
async function whileSuitesRun(then: string): Promise<string> {
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const abort = new AbortController()
    const stop = (why) => abort.abort(new Error(why))
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('uncaughtException', (error) => stop(error.message))
    process.exitCode = 2
    let seen = 0
    const outcome = await runSuites({
      control: { url: 'http://127.0.0.1:1', token: 'none' }, contracts: {}, canaries: [], seed: 1,
      own: ['${folder}/*.suite.ts'], only: ['waits'], signal: abort.signal,
      onProgress() { if (seen++ === 0) { ${then} } },
    }).catch((error) => error)
    process.stdout.write(outcome.code + ' ' + abort.signal.reason.message + ' ' + process.exitCode)
    process.exit()`
  await writeFile(join(folder, 'run.mjs'), script)
  return (await execa(process.execPath, ['run.mjs'], { cwd: folder, reject: false, stdin: 'ignore' })).stdout
}

test('no value that an assertion compared leaves the suites', async () => {
  const own = join(folder, 'own')
  const allure = join(folder, 'allure-results')
  await mkdir(own)
  const suite = `
    import { beforeAll, describe } from 'vitest'
    import { expect, test } from '#suite'
    const name = ['Mária', 'López'].join(' ')
    test('passes', () => expect(name).toBe(name))
    test('compares', () => expect({ name }).toEqual({ name: name.slice(1) }))
    test('says more', () => expect(name, 'the profile’s name').toBe(\`not \${name}\`))
    test('throws', () => { throw new Error('no answer from "rest"') })
    describe('a hook', () => { beforeAll(() => expect(name).toBe('')); test('waits for it', () => {}) })`
  await writeFile(join(own, 'values.suite.ts'), suite)
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const run = await runSuites({
      control: { url: 'http://127.0.0.1:1', token: 'none' }, contracts: {}, canaries: [], seed: 1,
      own: ['${own}/*.suite.ts'], only: ['values'], allure: '${allure}',
    })
    process.stdout.write(JSON.stringify(run))
    process.exit()`
  await writeFile(join(own, 'run.mjs'), script)
  const { stdout } = await execa(process.execPath, ['run.mjs'], { cwd: own, stdin: 'ignore' })
  const run: SuiteRun = JSON.parse(stdout)
  expect(run.tests.map(({ name, message }) => `${name}: ${message}`)).toEqual(
    expect.arrayContaining([
      "compares: expected { name: '…' } to deeply equal { name: '…' }",
      "says more: the profile’s name: expected '…' to be '…' // Object.is equality",
      'throws: no answer from "rest"',
    ]),
  )
  const files = await readdir(allure)
  const texts = await Promise.all(files.map((file) => readFile(join(allure, file), 'utf8')))
  expect(files.length).toBeGreaterThanOrEqual(8)
  expect([stdout, ...texts].filter((text) => /ária|López/.test(text))).toEqual([])
})

test.each([
  ['nothing is wrong on after', false, 'not asked'],
  ['something besides the tests is', true, 'skipped'],
])('suites of functions ask before only where need be: %s', async (_, isDoubtful, state) => {
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const run = await runSuites({
      control: { url: 'http://127.0.0.1:1', token: 'none' }, contracts: {}, canaries: [], seed: 1, own: [],
      only: ['suites/rate-limiting/', 'suites/roles-profiles/'], isDoubtful: () => ${isDoubtful},
    })
    process.stdout.write(JSON.stringify(run))
    process.exit()`
  await writeFile(join(folder, 'run.mjs'), script)
  const { stdout } = await execa(process.execPath, ['run.mjs'], { cwd: folder, stdin: 'ignore' })
  const run: SuiteRun = JSON.parse(stdout)
  const beforeOf = (suite: string) => [
    ...new Set(run.tests.filter((one) => one.suite === suite).map(({ before, outcome }) => `${before}: ${outcome}`)),
  ]
  expect(beforeOf('rate-limiting')).toEqual([`${state}: not configured`])
  expect(beforeOf('roles-profiles')).toEqual(['skipped: not configured'])
})

test.each(['SIGTERM', 'SIGINT'])('%s ends a run of suites in order, not the process', async (signal) => {
  expect(await whileSuitesRun(`process.kill(process.pid, '${signal}')`)).toBe(`aborted ${signal} 2`)
})

test('what nobody caught reaches the command line, which knows that it is no NO-GO', async () => {
  expect(await whileSuitesRun("Promise.reject(new Error('stray'))")).toBe('aborted stray 2')
})
