import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clearReports, writeReports } from './write.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-reports-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('writing reports', () => {
  test('makes a folder of its own, files for their owner only, and leaves nothing half written', async () => {
    const out = join(folder, 'a', 'b')
    const paths = await writeReports(out, { 'report.json': '{}', 'report.html': '<p>' })
    expect(paths).toEqual([join(out, 'report.json'), join(out, 'report.html')])
    expect((await stat(out)).mode & 0o777).toBe(0o700)
    expect((await stat(join(out, 'report.json'))).mode & 0o777).toBe(0o600)
    expect((await readdir(out)).sort()).toEqual(['report.html', 'report.json'])
  })

  test('replaces an older report', async () => {
    await writeReports(folder, { 'report.md': 'old' })
    await writeReports(folder, { 'report.md': 'new' })
    expect(await readFile(join(folder, 'report.md'), 'utf8')).toBe('new')
  })

  test('says where it cannot write and what to do, and cleans up', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(writeReports(join(folder, 'file', 'out'), { a: '' })).rejects.toMatchObject({
      code: 'report.unwritable',
      message: expect.stringContaining('Choose a folder that can be written with --out.'),
    })
    const taken = join(folder, 'taken')
    await mkdir(join(taken, 'report.json', 'x'), { recursive: true })
    await expect(writeReports(taken, { 'report.json': '{}' })).rejects.toMatchObject({ code: 'report.unwritable' })
    expect(await readdir(taken)).toEqual(['report.json'])
  })

  test('before a run, removes what an earlier one left, and nothing else', async () => {
    const out = join(folder, 'again')
    await writeReports(out, { 'report.json': '{}', 'junit.xml': '<x/>', 'notes.md': 'mine', 'kept.json': '{}' })
    await mkdir(join(out, 'allure-results'))
    const id = '00934af3-30f3-4156-8f06-bb414a9c8be9'
    for (const name of [`${id}-result.json`, `${id}-container.json`, `${id}-attachment.txt`, 'environment.properties'])
      await writeFile(join(out, 'allure-results', name), '')
    await clearReports(out)
    expect((await readdir(out)).sort()).toEqual(['allure-results', 'kept.json', 'notes.md'])
    expect(await readdir(join(out, 'allure-results'))).toEqual(['environment.properties'])
  })

  test('before a run, says that it will not be able to write, and makes no folder', async () => {
    await writeFile(join(folder, 'a-file'), '')
    await expect(clearReports(join(folder, 'a-file'))).rejects.toMatchObject({ code: 'report.unwritable' })
    await clearReports(join(folder, 'to', 'come'))
    expect(await readdir(folder)).not.toContain('to')
  })

  test('many runs may probe one new folder at one time', async () => {
    const shared = join(folder, 'new', 'shared')
    await Promise.all(Array.from({ length: 30 }, () => clearReports(shared)))
    expect(await readdir(shared).catch(() => [])).toEqual([])
  })
})
