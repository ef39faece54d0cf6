import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dump, TocEntry } from '../dump.ts'
import { readDump } from '../read-dump.ts'
import { type ArchivePlan, tarHeader, writeArchive, writeMembers, writeTar } from './write-archive.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'members-'))
})
afterAll(() => rm(folder, { recursive: true }))

let dumps = 0
const nextPath = () => join(folder, `dump-${dumps++}`)

async function directory(files: ReadonlyMap<string, Buffer>): Promise<string> {
  const path = nextPath()
  await mkdir(path)
  for (const [name, bytes] of files) await writeFile(join(path, name), bytes)
  return path
}

async function file(bytes: Buffer): Promise<string> {
  const path = nextPath()
  await writeFile(path, bytes)
  return path
}

const entry = (id: number, type: string, more: Partial<TocEntry> = {}): TocEntry => ({
  id,
  type,
  section: 'pre-data',
  name: `${type.toLowerCase()} ${id}`,
  owner: 'postgres',
  definition: '',
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
  ...more,
})

const rows = `${'é\t\\N\n'.repeat(60_000)}\\.\n\n\n`
const copy = { section: 'data', schema: 'public', copyStatement: 'COPY public.t FROM stdin;\n' } as const
const plan = (more: Partial<ArchivePlan> = {}): ArchivePlan => ({
  minor: 16,
  compression: 'none',
  entries: [
    entry(1, 'TABLE', { schema: 'public', name: 't' }),
    { ...entry(2, 'TABLE DATA', { ...copy, name: 't', dependencies: [1] }), rows },
    { ...entry(3, 'TABLE DATA', { ...copy, name: 'empty' }), rows: '\\.\n\n\n' },
    {
      ...entry(4, 'BLOBS', { section: 'data' }),
      largeObjects: [
        [17, Buffer.alloc(700_000, 'x')],
        [-2, Buffer.from('ab')],
      ],
    },
  ],
  ...more,
})

async function unpackAll({ entries, data }: Dump): Promise<unknown> {
  const content: Record<number, string> = {}
  for (const { id } of entries) {
    const hash = createHash('md5')
    if (data.form(id) === 'copy') for await (const piece of data.rows(id)) hash.update(piece)
    if (data.form(id) === 'large-objects')
      for await (const { oid, bytes } of data.largeObjects(id)) hash.update(`${oid}`).update(bytes)
    content[id] = hash.digest('hex')
  }
  return content
}

describe.each([12, 13, 14, 15, 16])('format 1.%i', (minor) => {
  const compressions = minor < 15 ? (['none', 'gzip'] as const) : (['none', 'gzip', 'lz4', 'zstd'] as const)
  test.each(compressions)('a directory archive holds the same as a custom one, compression %s', async (compression) => {
    const wanted = plan({ minor, compression, integerSize: minor === 13 ? 8 : 4 })
    await using custom = await readDump(await file(writeArchive(wanted)))
    await using dump = await readDump(await directory(writeMembers(wanted, 'directory')))
    expect(dump.facts).toMatchObject({ format: 'directory', archiveVersion: `1.${minor}`, compression })
    expect(dump.entries).toEqual(custom.entries)
    expect(dump.tables.map(({ entryId }) => entryId)).toEqual([2, 3])
    const blobs = [17, -2].map((oid) => `${oid >>> 0}`)
    const expected = (await unpackAll(custom)) as Record<number, string>
    // A custom archive says nothing of how a large object is cut into pieces.
    const large = createHash('md5')
    for await (const { oid, bytes } of dump.data.largeObjects(4)) large.update(`${oid}`).update(bytes)
    expect(await unpackAll(dump)).toEqual({ ...expected, 4: large.digest('hex') })
    const oids: number[] = []
    for await (const { oid } of dump.data.largeObjects(4)) if (!oids.includes(oid)) oids.push(oid)
    expect(oids.map(String)).toEqual(blobs)
  })

  test('a tar archive holds the same, alone or packed', async () => {
    const wanted = plan({ minor })
    const bytes = writeTar(new Map([...writeMembers(wanted, 'tar'), ['restore.sql', Buffer.from('\\! touch /tmp/x')]]))
    await using direct = await readDump(await directory(writeMembers(wanted, 'directory')))
    for (const content of [bytes, gzipSync(bytes)]) {
      const path = await file(content)
      await using dump = await readDump(path)
      expect(dump.facts).toMatchObject({ format: 'tar', path, bytes: content.length })
      expect(dump.facts.sha256).toBe(createHash('sha256').update(content).digest('hex'))
      expect(dump.entries).toEqual(direct.entries)
      expect(await unpackAll(dump)).toEqual(await unpackAll(direct))
    }
  })
})

test('a directory archive that was put into a tar file, with its folder, is read', async () => {
  const files = writeMembers(plan({ compression: 'gzip' }), 'directory')
  await using direct = await readDump(await directory(files))
  await using dump = await readDump(await file(writeTar(files, './production/')))
  expect(await unpackAll(dump)).toEqual(await unpackAll(direct))
})

test("the hash of a folder is that of sha256sum's lines", async () => {
  const path = await directory(writeMembers(plan(), 'directory'))
  await writeFile(join(path, 'notes.txt'), 'taken on Monday')
  await using dump = await readDump(path)
  const { stdout } = await promisify(execFile)('bash', ['-c', 'LC_ALL=C; sha256sum * | sha256sum'], { cwd: path })
  expect(`${dump.facts.sha256}  -\n`).toBe(stdout)
})

describe('a directory archive is refused, by the name of the file,', () => {
  const broken = async (
    change: (path: string, files: Map<string, Buffer>) => Promise<void> | void,
    more?: Partial<ArchivePlan>,
  ) => {
    const files = writeMembers(plan(more), 'directory')
    const path = await directory(files)
    await change(path, files)
    return path
  }
  const cut = (name: string, bytes: number) => async (path: string, files: Map<string, Buffer>) => {
    await truncate(join(path, name), (files.get(name)?.length ?? 0) - bytes)
  }

  test.each([
    [
      'when a file of rows is missing',
      (path: string) => rm(join(path, '2.dat')),
      'dump.truncated',
      /2\.dat.*public\.t\b/,
    ],
    [
      'when a large object is missing',
      (path: string) => rm(join(path, 'blob_17.dat')),
      'dump.truncated',
      /blob_17\.dat/,
    ],
    [
      'when the list of large objects is missing',
      (path: string) => rm(join(path, 'blobs_4.toc')),
      'dump.truncated',
      /blobs_4\.toc/,
    ],
    ['when the list of large objects is cut', cut('blobs_4.toc', 3), 'dump.truncated', /blobs_4\.toc/],
    ['when rows are cut', cut('2.dat', 40), 'dump.truncated', /2\.dat.*public\.t/],
    ['when rows are gone altogether', cut('3.dat', 5), 'dump.truncated', /3\.dat.*public\.empty/],
    ['when the table of contents is cut', cut('toc.dat', 40), 'dump.truncated', /toc\.dat.*table of contents/],
    [
      'when the table of contents is empty',
      (path: string) => truncate(join(path, 'toc.dat'), 0),
      'dump.truncated',
      /toc\.dat/,
    ],
    [
      'when the table of contents has more',
      (path: string) => writeFile(join(path, 'toc.dat'), 'x', { flag: 'a' }),
      'dump.corrupt',
      /toc\.dat/,
    ],
    [
      'when it has rows of another dump',
      (path: string) => writeFile(join(path, '99.dat.gz'), 'x'),
      'dump.corrupt',
      /99\.dat\.gz/,
    ],
    [
      'when it has rows twice',
      (path: string) => writeFile(join(path, '2.dat.gz'), gzipSync(rows)),
      'dump.corrupt',
      /2\.dat and 2\.dat\.gz/,
    ],
    [
      'when there is a link in it',
      (path: string) => symlink('/etc/passwd', join(path, '5.dat')),
      'dump.corrupt',
      /5\.dat.*link/,
    ],
  ])('%s', async (_, change, code, message) => {
    const path = await broken(change)
    await expect(readDump(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test.each(['gzip', 'lz4', 'zstd'] as const)('when a file packed with %s is cut', async (compression) => {
    const name = `2.dat.${{ gzip: 'gz', lz4: 'lz4', zstd: 'zst' }[compression]}`
    for (const bytes of [1, 3, 9, 60]) {
      const path = await broken(cut(name, bytes), { compression })
      await expect(readDump(path), `${bytes} bytes less`).rejects.toMatchObject({
        code: 'dump.truncated',
        message: expect.stringContaining(name),
      })
    }
  })

  test.each(['../../etc/passwd', '/etc/passwd', '2.dat/../../x', 'blob_17.dat\n', '..'])(
    'when its table of contents names %j',
    async (name) => {
      const entries = [{ ...entry(2, 'TABLE DATA', { ...copy }), rows, file: name }]
      await expect(readDump(await directory(writeMembers(plan({ entries }), 'directory')))).rejects.toMatchObject({
        code: 'dump.corrupt',
        message: expect.stringContaining(JSON.stringify(name)),
      })
    },
  )

  test('when its list of large objects names a file elsewhere', async () => {
    const path = await broken((at) => writeFile(join(at, 'blobs_4.toc'), '17 ../../../etc/passwd\n'))
    await expect(readDump(path)).rejects.toMatchObject({
      code: 'dump.corrupt',
      message: expect.stringContaining('etc/passwd'),
    })
  })
})

describe('a tar archive is refused', () => {
  const whole = writeTar(writeMembers(plan(), 'tar'))
  const tocBytes = (writeMembers(plan(), 'tar').get('toc.dat') ?? expect.fail()).length
  const second = 512 + Math.ceil(tocBytes / 512) * 512
  const changed = (at: number, text: string) => {
    const copied = Buffer.from(whole)
    copied.write(text, at)
    return copied
  }
  const withHeader = (header: Buffer) => Buffer.concat([whole.subarray(0, -1024), header, Buffer.alloc(1024)])

  test.each([
    ['for a wrong checksum', changed(second + 1, '9'), 'dump.corrupt', new RegExp(`wrong checksum at byte ${second}`)],
    ['for a link', withHeader(tarHeader('99.dat', 0, '2')), 'dump.corrupt', /99\.dat.*link/],
    ['for a path that leads out of it', withHeader(tarHeader('../99.dat', 0)), 'dump.corrupt', /\.\.\/99\.dat/],
    ['for an absolute path', withHeader(tarHeader('/etc/passwd', 0)), 'dump.corrupt', /etc\/passwd/],
    ['for a file that is there twice', withHeader(tarHeader('2.dat', 0)), 'dump.corrupt', /2\.dat.* twice/],
    ['for other names behind the end', Buffer.concat([whole, tarHeader('x', 0)]), 'dump.corrupt', /behind its end/],
    ['without a table of contents', writeTar(new Map([['a', Buffer.from('b')]])), 'dump.unrecognised', /toc\.dat/],
    ['without its end', whole.subarray(0, -1024), 'dump.truncated', /after "blobs_4/],
    ['without half of its end', whole.subarray(0, -512), 'dump.truncated', /end mark/],
  ])('%s', async (_, bytes, code, message) => {
    const path = await file(bytes)
    await expect(readDump(path)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      facts: { path },
    })
  })

  test('wherever it is cut', async () => {
    for (let length = 600; length < whole.length; length += 30_011) {
      await expect(readDump(await file(whole.subarray(0, length))), `cut at ${length}`).rejects.toMatchObject({
        code: 'dump.truncated',
      })
    }
  })
})

test('the table of contents alone is not the dump', async () => {
  const toc = writeMembers(plan(), 'directory').get('toc.dat') ?? expect.fail()
  await expect(readDump(await file(toc))).rejects.toMatchObject({
    code: 'dump.not-supported',
    message: expect.stringContaining('Name the folder'),
  })
  const folderOfCustom = await directory(new Map([['toc.dat', writeArchive(plan())]]))
  await expect(readDump(folderOfCustom)).rejects.toMatchObject({
    code: 'dump.not-supported',
    message: expect.stringContaining('-Fc'),
  })
})
