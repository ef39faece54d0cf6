import type { StatsFs } from 'node:fs'
import { existsSync, statfsSync } from 'node:fs'
import * as files from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test, vi } from 'vitest'
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
  const path = await folder.path(undefined)
  const error = await spool(megabytes(count), 'x.sql.gz', folder, expected === undefined ? {} : { expected }).catch(
    (thrown: unknown) => thrown,
  )
  return { error, path }
}

const full = { code: 'engine.disk-full', message: expect.stringMatching(/^The disk is full: x\.sql\.gz does not fit/) }

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
  looked.mockReset()
  expect(error).toMatchObject(full)
  expect(existsSync(path)).toBe(false)
})

test('where there is room, it is written', async () => {
  const { error } = await spooled(20)
  expect(error).toMatchObject({ bytes: 20 << 20, kind: 'plain' })
})
