import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readMigrations } from './discover.ts'
import { lintMigrations } from './lint.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'greenlight-lint-'))
  const alone = 'create index concurrently if not exists i on public.t (a);'
  await writeFile(join(directory, '201_bad.sql'), 'select 1;\nalter table public.t add column b text not null;')
  await writeFile(join(directory, '202_good.sql'), "set lock_timeout = '2s';\nalter table public.t add column b text;")
  await writeFile(join(directory, '203_alone.sql'), `set lock_timeout = '2s';\n${alone}`)
  await writeFile(join(directory, '204_odd.sql'), 'this is no sql;')
})
afterAll(() => rm(directory, { recursive: true }))

it('warns of what locks or breaks production, once for a rule and file, with its line', async () => {
  const { files } = await readMigrations(directory)
  const { findings, check } = await lintMigrations(files)
  const required = findings.filter(({ evidence }) => evidence[0] === 'Rule adding-required-field of squawk.')
  expect(required).toMatchObject([
    { kind: 'migration.lint', object: '201_bad.sql', where: { file: join(directory, '201_bad.sql'), line: 2 } },
  ])
  expect(check).toMatchObject({ id: 'migrations.lint', status: 'passed', required: false })
})

it('is silent about a column that may be empty, an index built beside the traffic, and what is no SQL', async () => {
  const { files } = await readMigrations(directory)
  const { findings } = await lintMigrations(files)
  expect(files.map(({ name }) => name)).toEqual(['201_bad.sql', '202_good.sql', '203_alone.sql', '204_odd.sql'])
  expect([...new Set(findings.map(({ object }) => object))]).toEqual(['201_bad.sql'])
})

it('says so when squawk is not there', async () => {
  const { files } = await readMigrations(directory)
  for (const findBinary of [
    () => '/nowhere/squawk',
    () => {
      throw new Error('not installed')
    },
  ]) {
    const { findings, check } = await lintMigrations(files, { findBinary })
    expect(findings).toEqual([])
    expect(check).toMatchObject({ status: 'not run', reason: expect.stringContaining('squawk does not run here') })
  }
})
