import { createHash } from 'node:crypto'
import type { StatsFs } from 'node:fs'
import { existsSync, statfsSync } from 'node:fs'
import * as files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PrivateFolder } from './private-folder.ts'
import { spool } from './spool.ts'

vi.mock('node:fs/promises', { spy: true })

/** As the file system of `path` is, with so many bytes free. */
const withRoom = (path: string, bytes: number): StatsFs => ({ ...statfsSync(path), bsize: 1, bavail: bytes })

async function* megabytes(count: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(1 << 20, `-- PostgreSQL database dump ${n}\n`)
}

async function spooled(count: number, expected?: number): Promise<{ readonly error: unknown; readonly path: string }> {
  await using folder = new PrivateFolder()
  const path = await folder.path(tmpdir())
  const error = await spool(megabytes(count), 'x.sql.gz', folder, expected === undefined ? {} : { expected }).catch(
    (thrown: unknown) => thrown,
  )
  return { error, path }
}

const full = { code: 'engine.disk-full', message: expect.stringMatching(/^The disk is full: x\.sql\.gz does not fit/) }

afterEach(() => {
  vi.mocked(files.statfs).mockReset()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('on the disk', () => {
  beforeEach(() => {
    vi.stubEnv('TMPDIR', tmpdir())
  })

  test('what cannot fit is refused before a byte of it is written', async () => {
    const opened = vi.mocked(files.open)
    opened.mockClear()
    const { error, path } = await spooled(1, 2 ** 60)
    expect(error).toMatchObject(full)
    expect(opened.mock.calls.filter(([name]) => dirname(String(name)) === path)).toEqual([])
    expect(existsSync(path)).toBe(false)
  })

  test('a disk that fills up meanwhile ends it, with room left for others, and what was written goes', async () => {
    const looked = vi.mocked(files.statfs)
    looked.mockImplementation((async (path: string) =>
      withRoom(path, looked.mock.calls.length > 2 ? 63 << 20 : 2 ** 40)) as unknown as typeof files.statfs)
    looked.mockClear()
    const { error, path } = await spooled(64)
    expect(looked).toHaveBeenCalledTimes(3)
    expect(error).toMatchObject(full)
    expect(existsSync(path)).toBe(false)
  })

  test('where there is room, it is written', async () => {
    const { error } = await spooled(20)
    expect(error).toMatchObject({ bytes: 20 << 20, kind: 'plain' })
  })
})

const memory = '/dev/shm'
describe.skipIf(!existsSync(memory))('where there is memory for it', () => {
  beforeEach(() => {
    vi.stubEnv('TMPDIR', undefined)
    vi.spyOn(process, 'availableMemory').mockReturnValue(2 ** 40)
  })

  /** As if memory had so many bytes free whenever it is looked at, one after the other, and the disk `disk`. */
  const withMemory = (free: readonly number[], disk = 2 ** 40) => {
    const left = [...free]
    const statfs = async (path: string) => {
      if (!path.startsWith(memory)) return withRoom(path, disk)
      return withRoom(path, (left.length > 1 ? left.shift() : left[0]) ?? 0)
    }
    vi.mocked(files.statfs).mockImplementation(statfs as unknown as typeof files.statfs)
  }

  test('a dump of unknown size is put there', async () => {
    withMemory([2 ** 40])
    await using folder = new PrivateFolder()
    const { path } = await spool(megabytes(40), 'x.sql', folder, {})
    expect(path.startsWith(memory)).toBe(true)
  })

  test.each([
    ['of unknown size', undefined],
    ['whose size is known', 40 << 20],
  ])(
    'a dump %s moves to the disk when it would leave none for the database, whole and private',
    async (_, expected) => {
      withMemory([2 ** 40, 2 ** 40, 2 ** 40, 2 ** 40, 2 ** 30])
      await using folder = new PrivateFolder()
      const there = await folder.path(memory)
      const { path, sha256, bytes } = await spool(
        megabytes(40),
        'x.sql',
        folder,
        expected === undefined ? {} : { expected },
      )
      expect(path.startsWith(join(tmpdir(), 'greenlight-'))).toBe(true)
      expect((await files.readdir(there)).filter((name) => name.startsWith('dump-'))).toEqual([])
      const content = await files.readFile(path)
      expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([bytes, sha256])
      expect((await files.stat(path)).mode & 0o777).toBe(0o600)
      await folder[Symbol.asyncDispose]()
      expect([existsSync(there), existsSync(dirname(path))]).toEqual([false, false])
    },
  )

  test('a dump that the disk cannot take over is refused, and goes from both', async () => {
    withMemory([2 ** 40, 2 ** 40, 2 ** 30], 64 << 20)
    await using folder = new PrivateFolder()
    const there = [await folder.path(memory), await folder.path(tmpdir())]
    await expect(spool(megabytes(40), 'x.sql.gz', folder, {})).rejects.toMatchObject(full)
    await folder[Symbol.asyncDispose]()
    expect(there.filter((path) => existsSync(path))).toEqual([])
  })

  test('a memory without room for a database is left alone', async () => {
    withMemory([2 ** 30])
    await using folder = new PrivateFolder()
    expect((await spool(megabytes(1), 'x.sql', folder, {})).path.startsWith(tmpdir())).toBe(true)
  })
})
