import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkOwnSuites } from './own-files.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-suites-'))
  for (const name of ['tests/a.suite.ts', 'tests/(app)/.deep/b.suite.ts', 'tests/node_modules/c.spec.ts']) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), '')
  }
})
afterAll(() => rm(folder, { recursive: true }))

const check = (...globs: string[]) =>
  checkOwnSuites(
    globs.map((glob) => join(folder, glob)),
    folder,
  )

test.each([
  ['one that fits a single file', 'tests/*.suite.ts'],
  ['a path without a wildcard', 'tests/a.suite.ts'],
  ['one into every folder, also a hidden one', 'tests/**/b.suite.ts'],
  ['a folder in parentheses', 'tests/(app)/**/*.ts'],
  ['alternatives of which one is there', 'tests/{a,z}.suite.ts'],
])('globs of suites: %s is taken', async (_, glob) => {
  await expect(check(glob)).resolves.toBeUndefined()
})

test.each([
  ['no file', 'tests/*.spec.ts', /^ {2}- "tests\/\*\.spec\.ts"$/m],
  ['a folder that is not there', 'test/**/*.suite.ts', /"test\/\*\*\/\*\.suite\.ts"/],
  ['what is installed, which Vitest leaves out', 'tests/**/c.spec.ts', /c\.spec\.ts/],
  ['a folder', 'tests', /"tests" is a folder; name the files in it: "tests\/\*\*\/\*\.suite\.ts"/],
  ['a file outside of the folder', '../no-such-folder/x.suite.ts', /"\/.*\/no-such-folder\/x\.suite\.ts"/],
])('globs of suites: %s is refused', async (_, glob, said) => {
  await expect(check(glob)).rejects.toMatchObject({ code: 'suites.not-found', message: expect.stringMatching(said) })
})

test('of several globs, those that fit nothing are named, and the folder that they start from', async () => {
  const refusal = check('tests/*.suite.ts', 'x/*.ts', 'y/*.ts')
  await expect(refusal).rejects.toMatchObject({ facts: { suites: [join(folder, 'x/*.ts'), join(folder, 'y/*.ts')] } })
  const { message } = (await refusal.catch((error: Error) => error as Error)) as Error
  expect(message).toContain(`from ${folder} on:\n  - "x/*.ts"\n  - "y/*.ts"\n`)
  expect(message).not.toContain('"tests/*.suite.ts"')
})
