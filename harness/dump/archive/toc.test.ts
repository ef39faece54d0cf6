import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDump } from '../read-dump.ts'
import { type ArchivePlan, writeArchive } from './write-archive.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toc-'))
})
afterAll(() => rm(folder, { recursive: true }))

const archive = (entries: ArchivePlan['entries']) => writeArchive({ minor: 16, compression: 'none', entries })
const integerBytes = 5

/** An archive of that many entries, each the same but for its id. */
async function writeEntries(path: string, count: number, said = count): Promise<void> {
  const head = archive([])
  const name = 'a "quoted"\nname; ../x'
  const text = { schema: 'public', name, owner: '', definition: 'COMMENT ON SCHEMA public IS NULL;\n' }
  const made = {
    id: 1,
    type: 'COMMENT',
    section: 'none',
    dropStatement: '',
    copyStatement: '',
    dependencies: [],
  } as const
  const entry = Buffer.from(archive([{ ...made, ...text }]).subarray(head.length))
  // Behind its sign: the number of entries is the last of the head, the id is the first of an entry.
  head.writeUInt32LE(said, head.length - integerBytes + 1)
  await using file = await open(path, 'wx')
  await file.appendFile(head)
  const several = 10_000
  const piece = Buffer.alloc(entry.length * several)
  for (let id = 1; id <= count; id += several) {
    for (let n = 0; n < several; n++) {
      entry.writeUInt32LE(id + n, 1)
      entry.copy(piece, n * entry.length)
    }
    await file.appendFile(piece)
  }
}

test('a million entries are read, in bounded time and memory', async () => {
  const path = join(folder, 'million.dump')
  await writeEntries(path, 1_000_000)
  const before = process.memoryUsage().rss
  const start = performance.now()
  await using dump = await readDump(path)
  expect(dump.entries).toHaveLength(1_000_000)
  expect(performance.now() - start).toBeLessThan(120_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(1_000 * 2 ** 20)
})

test('a table that says to have more entries than the file has bytes, or than it has, is refused', async () => {
  const [absurd, short] = [join(folder, 'absurd.dump'), join(folder, 'short.dump')]
  await writeEntries(absurd, 10_000, 2 ** 31)
  await expect(readDump(absurd)).rejects.toMatchObject({
    code: 'dump.corrupt',
    message: expect.stringContaining('a table of contents with 2147483648 entries'),
  })
  await writeEntries(short, 10_000, 10_001)
  await expect(readDump(short)).rejects.toMatchObject({
    code: 'dump.truncated',
    message: expect.stringContaining('entry 10001 of 10001'),
  })
})
