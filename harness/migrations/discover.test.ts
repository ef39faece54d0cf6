import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMigrations } from './discover.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'greenlight-migrations-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
}

async function namesInOrder(...names: readonly string[]): Promise<readonly string[]> {
  await write(Object.fromEntries(names.map((name) => [name, 'select 1;'])))
  return (await readMigrations(directory)).files.map(({ name }) => name)
}

describe('order', () => {
  it('runs numbers in their order, not as text', async () => {
    expect(await namesInOrder('10_b.sql', '9_a.sql', '100_c.sql')).toEqual(['9_a.sql', '10_b.sql', '100_c.sql'])
  })
  it('runs two files with one number by name', async () => {
    expect(await namesInOrder('204_b.sql', '204_a.sql')).toEqual(['204_a.sql', '204_b.sql'])
  })
  it('runs 14-digit stamps in order', async () => {
    const names = ['20250101000000_z.sql', '20250102000000_a.sql']
    expect(await namesInOrder(...names.toReversed())).toEqual(names)
  })
  it('runs files without numbers in natural order', async () => {
    expect(await namesInOrder('step10.sql', 'step9.sql')).toEqual(['step9.sql', 'step10.sql'])
  })
})

it('reads version, hash and statements, and lists what it skips', async () => {
  await write({ '201_a.sql': 'select 1;\nselect 2;', 'README.md': '# read', '202_b.ts': '' })
  await mkdir(join(directory, 'rollback'))
  const { files, skipped } = await readMigrations(directory)
  expect(files).toMatchObject([{ name: '201_a.sql', version: '201', statements: [{ line: 1 }, { line: 2 }] }])
  expect(files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(skipped).toEqual([
    { name: '202_b.ts', reason: 'not .sql' },
    { name: 'README.md', reason: 'not .sql' },
    { name: 'rollback', reason: 'a folder' },
  ])
})

describe('refuses', () => {
  it('a folder that is not there', async () => {
    await expect(readMigrations(join(directory, 'none'))).rejects.toMatchObject({ code: 'migrations.not-found' })
  })
  it('a file in place of the folder', async () => {
    await write({ '201_a.sql': '' })
    await expect(readMigrations(join(directory, '201_a.sql'))).rejects.toThrow('not a folder')
  })
  it('an empty folder, and says where the migrations may be', async () => {
    await mkdir(join(directory, 'supabase/migrations'), { recursive: true })
    const refused = readMigrations(directory)
    await expect(refused).rejects.toMatchObject({ code: 'migrations.empty' })
    await expect(refused).rejects.toThrow(join(directory, 'supabase/migrations'))
  })
  it('a file that is not UTF-8, with byte and line', async () => {
    await write({ '201_a.sql': Buffer.from("select 'ö';\nselect 'caf\xe9';", 'latin1') })
    const refused = readMigrations(directory)
    await expect(refused).rejects.toMatchObject({ code: 'migrations.not-utf8' })
    await expect(refused).rejects.toThrow('201_a.sql:1: not UTF-8 at byte 8')
  })
  it('UTF-16, by its name', async () => {
    await write({ '201_a.sql': Buffer.from('\ufeffselect 1;', 'utf16le') })
    await expect(readMigrations(directory)).rejects.toThrow('UTF-16')
  })
  it('every unreadable file at once, each with its place and a caret', async () => {
    await write({ '201_a.sql': "select 1;\n  select 'open;", '202_b.sql': '\\i other.sql', '203_c.sql': 'select 1' })
    const refused = readMigrations(directory)
    await expect(refused).rejects.toMatchObject({
      code: 'migrations.unparsable',
      facts: { files: [`${join(directory, '201_a.sql')}:2`, `${join(directory, '202_b.sql')}:1`] },
    })
    await expect(refused).rejects.toThrow("> 2 |   select 'open;\n    |          ^")
  })
  it('SQL before the mark of the way up', async () => {
    await write({ '201_a.sql': 'select 1;\n-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;' })
    await expect(readMigrations(directory)).rejects.toThrow('belongs to neither part')
  })
})
