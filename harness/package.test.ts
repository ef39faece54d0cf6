import { cp, glob, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))
let project = ''
let installed = ''

/** A project as `npm init` makes it (CommonJS), with Greenlight built and installed. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'installed-'))
  const modules = join(project, 'node_modules')
  installed = join(modules, 'supabase-greenlight')
  await mkdir(installed, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "name": "planner", "type": "commonjs" }')
  await cp(join(repository, 'package.json'), join(installed, 'package.json'))
  for (const name of await readdir(join(repository, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(repository, 'node_modules', name), join(modules, name))
  }
  await execa(process.execPath, ['build.ts', join(installed, 'dist')], { cwd: repository })
}, 120_000)
afterAll(() => rm(project, { recursive: true, force: true }))

/** What is wrong in it on purpose proves that the types are there. */
const ownSuite = `
  import { expect, needs, test } from 'supabase-greenlight/suite'
  test('mine', async ({ side }) => {
    const known: 'before' | 'after' = side
    expect(known).toMatch(/before|after/)
  })
  needs('membership')('of a contract', async ({ app, as, db, advance, mailbox }) => {
    const [row] = await db.query<{ user: string }>(\`select "\${app.membership.user}" as user from \${app.membership.table}\`)
    const { data } = await (await as({ id: row?.user ?? '' })).from('events').select('id')
    const { milliseconds }: { milliseconds: number } = await advance('3 days')
    expect((await mailbox.all()).length + milliseconds).toBe(data?.length)
    // @ts-expect-error: there is no other fixture
    await db.nothing()
    // @ts-expect-error: the contract was not asked for, so it may be missing
    app.profile.table
  })
`

const greenlight = (args: readonly string[], node: readonly string[] = []) =>
  execa(process.execPath, [...node, join(installed, 'dist/harness/greenlight.js'), ...args], {
    cwd: project,
    reject: false,
    stdin: 'ignore',
    env: { NO_COLOR: '1' },
  })

describe('installed in a project of one’s own', () => {
  test('tells its version', async () => {
    expect(await greenlight(['--version'])).toMatchObject({ stdout: '0.1.0', exitCode: 0 })
  })

  test('reads a config in TypeScript that imports it, without a word from Node', async () => {
    await writeFile(
      join(project, 'greenlight.config.ts'),
      "import { defineConfig } from 'supabase-greenlight'\nexport default defineConfig({ dump: 'no.dump', migrations: '.' })\n",
    )
    const { stderr, exitCode } = await greenlight(['run'])
    expect(stderr).not.toContain('Warning')
    expect(stderr).not.toContain('cannot be loaded')
    expect(stderr).toContain(project)
    expect(exitCode).toBe(2)
  })

  test('loads all built-in suites, and those of the project under both names of the door', async () => {
    await writeFile(join(project, 'mine.suite.ts'), ownSuite)
    await writeFile(join(project, 'short.suite.ts'), ownSuite.replace('supabase-greenlight/suite', '#suite'))
    const script = `
      import { runSuites } from '${installed}/dist/harness/suites/run.js'
      const { errors, tests, files } = await runSuites({
        control: { url: 'http://127.0.0.1:1', token: 'none' }, contracts: {}, canaries: [], seed: 1,
        own: ['${project}/*.suite.ts'],
      })
      const mine = tests.filter(({ name }) => name === 'mine')
      console.log(JSON.stringify({ errors, files, mine: mine.map(({ outcome }) => outcome) }))`
    await writeFile(join(project, 'suites.mjs'), script)
    const { stdout } = await execa(process.execPath, ['suites.mjs'], { cwd: project })
    const { errors, ...loaded } = JSON.parse(stdout)
    // There is no stack behind this door; what asks for one has been loaded.
    expect(errors.filter((error: string) => !error.endsWith('fetch failed'))).toEqual([])
    const builtIn = await Array.fromAsync(glob('suites/**/*.suite.ts', { cwd: repository }))
    expect(loaded).toEqual({ files: builtIn.length + 2, mine: ['same', 'same'] })
  })

  test.each(['nodenext', 'bundler'])(
    'has types for suites of the project, under moduleResolution %s',
    async (resolution) => {
      await writeFile(join(project, 'typed.suite.ts'), ownSuite)
      const options = ['--noEmit', '--strict', '--target', 'es2024', '--skipLibCheck', '--moduleResolution', resolution]
      const module = resolution === 'bundler' ? 'esnext' : 'nodenext'
      const tsc = await execa(
        join(repository, 'node_modules/.bin/tsc'),
        [...options, '--module', module, 'typed.suite.ts'],
        { cwd: project, reject: false },
      )
      expect(tsc.stdout).toBe('')
      expect(tsc.exitCode).toBe(0)
    },
  )

  test('on a Node that is too old, says which it needs, and is not taken for NO-GO', async () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})'
    const { stderr, exitCode } = await greenlight(['run'], ['--import', pretend])
    expect(stderr).toContain('Greenlight needs Node 22.22 or newer')
    expect(exitCode).toBe(2)
  })
})
