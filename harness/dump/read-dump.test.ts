import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HarnessError } from '../errors.ts'
import { type ArchivePlan, writeArchive } from './archive/write-archive.ts'
import type { Dump, TocEntry } from './dump.ts'
import { countRows } from './load/rows.ts'
import { readDump } from './read-dump.ts'
import { checkServerVersion } from './server-version.ts'

const odd = fileURLToPath(new URL('../../fixtures/dumps/odd.dump', import.meta.url))

let folder: string
let bytes: Buffer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-read-'))
  bytes = await readFile(odd)
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function readBytes(content: Buffer): Promise<Dump> {
  const path = join(folder, `${files++ % 8}.dump`)
  await writeFile(path, content)
  return readDump(path)
}

async function unpackAll(dump: Dump): Promise<Record<number, string>> {
  const content: Record<number, string> = {}
  for (const { id } of dump.entries) {
    const form = dump.data.form(id)
    if (form === undefined) continue
    content[id] = ''
    if (form === 'copy') for await (const piece of dump.data.rows(id)) content[id] += piece.toString('latin1')
    else
      for await (const { oid, offset, bytes } of dump.data.largeObjects(id))
        content[id] += `${oid}@${offset}:${bytes.length} `
  }
  return content
}

test('an archive of pg_dump 17 tells its facts, roles, tables and blocks', async () => {
  const dump = await readDump(odd)
  expect(dump.facts).toMatchObject({
    format: 'custom',
    archiveVersion: '1.16',
    compression: 'gzip',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    database: 'odd',
    createdAt: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d$/),
  })
  expect(dump.serverVersionNum).toBeGreaterThanOrEqual(170_000)
  expect(dump.roles).toEqual(['Odd "Owner"', 'odd_reader', 'supabase_admin'])
  expect(dump.tables.map((table) => table.name)).toContain('Table "quoted"\nwith a line')
  const table = dump.entries.find((entry) => entry.type === 'TABLE' && entry.name.startsWith('Table'))
  expect(table).toMatchObject({ schema: 'odd', section: 'pre-data', relationKind: 'r', tableAccessMethod: 'heap' })

  const content = await unpackAll(dump)
  expect(Object.values(content)).toContain('1\t1\t\\N\n2\t1\t1\n3\t2\t1\n\\.\n\n\n')
  expect(Object.values(content)).toContain('1000001@0:1200 ')
})

test('wherever the file is cut, that it is cut is found before anything starts', async () => {
  for (let length = 1; length < bytes.length; length += length < 400 ? 7 : 211) {
    await expect(readBytes(bytes.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
      code: 'dump.truncated',
      message: expect.stringContaining('cut off'),
    })
  }
  await expect(readBytes(bytes.subarray(0, bytes.length - 1))).rejects.toMatchObject({ code: 'dump.truncated' })
})

test('the message says inside what the file ends', async () => {
  await expect(readBytes(bytes.subarray(0, 900))).rejects.toThrow(/entry \d+ of \d+ of its table of contents/)
  await expect(readBytes(bytes.subarray(0, bytes.length - 2))).rejects.toThrow(/the data of \d+/)
})

test('whatever bytes change, reading ends, with a dump or with a HarnessError', async () => {
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(bytes.length)),
      async (changes, cut) => {
        const copy = Buffer.from(bytes)
        for (const [at, value] of changes) copy[at] = value
        const content = copy.subarray(0, cut ?? copy.length)
        try {
          const dump = await readBytes(content)
          for (const { entryId } of dump.tables) await countRows(dump.data, entryId)
        } catch (error) {
          if (!(error instanceof HarnessError)) throw error
          expect(error.code).toMatch(/^dump\./)
        }
      },
    ),
    { numRuns: 400, seed: 2 },
  )
})

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

const rows = 'é\t\\N\n'.repeat(30_000)
const large = Buffer.alloc(700_000, 'x')
const plan = (more: Partial<ArchivePlan> = {}): ArchivePlan => ({
  minor: 16,
  compression: 'none',
  entries: [
    entry(1, 'TABLE', { schema: 'public', name: 'ünï' }),
    {
      ...entry(2, 'TABLE DATA', { section: 'data', dependencies: [1], copyStatement: 'COPY public.t FROM stdin;\n' }),
      rows: `${rows}\\.\n\n\n`,
    },
    {
      ...entry(3, 'BLOBS', { section: 'data' }),
      largeObjects: [
        [17, large],
        [-2, Buffer.from('ab')],
      ],
    },
    { ...entry(4, 'TABLE DATA', { section: 'data', copyStatement: 'COPY public.u FROM stdin;\n' }), rows: '\\.\n\n\n' },
  ],
  ...more,
})

describe.each([12, 13, 14, 15, 16])('format 1.%i', (minor) => {
  const compressions = minor < 15 ? (['none', 'gzip'] as const) : (['none', 'gzip', 'lz4', 'zstd'] as const)
  test.each(compressions)('reads data without offsets, compression %s', async (compression) => {
    const dump = await readBytes(writeArchive(plan({ minor, compression, integerSize: minor === 13 ? 8 : 4 })))
    expect(dump.facts).toMatchObject({ archiveVersion: `1.${minor}`, compression, serverVersion: '17.6' })
    expect(dump.entries[0]).toMatchObject({ schema: 'public', name: 'ünï' })
    const content = await unpackAll(dump)
    expect(Buffer.from(content[2] ?? '', 'latin1').toString()).toBe(`${rows}\\.\n\n\n`)
    expect(content[3]).toMatch(/^(17@\d+:\d+ )+4294967294@0:2 $/)
    expect(dump.tables.map((table) => table.entryId)).toEqual([2, 4])
    const counts = await Promise.all([2, 4].map((id) => countRows(dump.data, id)))
    expect(counts).toEqual([30_000, 0])
  })
})

test.each([1, 2, 3, 5, 4095])('reads data in pieces of %i bytes', async (pieceBytes) => {
  const short = plan({ pieceBytes, compression: 'gzip' })
  const dump = await readBytes(writeArchive(short))
  expect((await unpackAll(dump))[2]?.length).toBe(Buffer.byteLength(rows) + 5)
})

test.each([
  ['a newer format', Buffer.from('PGDMP\x01\x11\x00\x04\x08\x01', 'latin1'), 'dump.unsupported-version', /1\.17/],
  ['an older format', Buffer.from('PGDMP\x01\x0a\x00\x04\x08\x01', 'latin1'), 'dump.unsupported-version', /1\.10/],
])('%s is refused', async (_, content, code, message) => {
  await expect(readBytes(content)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

describe('rows as INSERT statements are made into those of COPY', () => {
  const read = async (rows: string) => {
    const inserts = {
      ...entry(2, 'TABLE DATA', { section: 'data', schema: 'public', name: 't"' }),
      rows,
    }
    const dump = await readBytes(writeArchive(plan({ entries: [inserts], pieceBytes: 7 })))
    return { statement: dump.entries[0]?.copyStatement, content: (await unpackAll(dump))[2] }
  }

  test.each([
    ['of no rows', '\n\n', 'COPY "public"."t""" FROM stdin;\n', ''],
    ['of rows without columns', 'INSERT INTO public.t DEFAULT VALUES;\n', 'COPY "public"."t" FROM stdin;\n', '\n'],
    [
      'with and without columns',
      'INSERT INTO public."T" (a, "B,") OVERRIDING SYSTEM VALUE VALUES (1, \'it\'\'s\');\nINSERT INTO public."T" (a, "B,") OVERRIDING SYSTEM VALUE VALUES (2, NULL);\n',
      'COPY "public"."T" ("a", "B,") FROM stdin;\n',
      "1\tit's\n2\t\\N\n",
    ],
    [
      'of several rows, with a generated column',
      "INSERT INTO public.t VALUES\n\t(1, DEFAULT, '\\.'),\n\t(-2.5, DEFAULT, E'a\\nb');\n",
      'COPY "public"."t" FROM stdin;\n',
      '1\t\\\\.\n-2.5\ta\\nb\n',
    ],
    [
      'with a generated column among those named',
      'INSERT INTO public.t (a, b, c) VALUES (1, DEFAULT, true);\n',
      'COPY "public"."t" ("a", "c") FROM stdin;\n',
      '1\ttrue\n',
    ],
  ])('%s', async (_, rows, statement, content) => {
    expect(await read(rows)).toEqual({ statement, content })
  })

  test.each([
    ['another statement', 'INSERT INTO t VALUES (1);\nDROP TABLE t;\n', 'dump.corrupt', /other than INSERT/],
    ['a call', 'INSERT INTO t VALUES (pg_read_file(1));\n', 'dump.not-supported', /no literal/],
    ['no table', 'INSERT INTO VALUES (1);\n', 'dump.corrupt', /into no table/],
    ['another table', 'INSERT INTO t VALUES (1);\nINSERT INTO u VALUES (1);\n', 'dump.corrupt', /several kinds/],
    ['half of a statement', "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES ('x", 'dump.truncated', /line 2/],
  ])('but not %s', async (_, rows, code, message) => {
    await expect(read(rows)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('an archive in another encoding', () => {
  const inEncoding = (encoding: string, name: Buffer) => {
    const entries = [
      entry(1, 'ENCODING', { definition: `SET client_encoding = '${encoding}';\n` }),
      entry(2, 'TABLE', { name: 'x' }),
    ]
    return writeArchive(plan({ entries, textBytes: (text) => (text === 'x' ? name : Buffer.from(text)) }))
  }

  test.each([
    ['LATIN1', Buffer.from([0xe9, 0x80]), 'é\u0080'],
    ['ISO-8859-1', Buffer.from([0xe9]), 'é'],
    ['WIN1252', Buffer.from([0xe9, 0x80]), 'é€'],
    ['EUC_JP', Buffer.from([0xc6, 0xfc]), '日'],
    ['SQL_ASCII', Buffer.from('é'), 'é'],
  ])('%s has its names', async (encoding, bytes, name) => {
    const dump = await readBytes(inEncoding(encoding, bytes))
    expect(dump.encoding).toBe(encoding.replace('ISO-8859-1', 'LATIN1'))
    expect(dump.entries[1]?.name).toBe(name)
  })

  test.each([
    ['MULE_INTERNAL', Buffer.from([0x81]), 'dump.not-supported', /MULE_INTERNAL/],
    ['UTF8', Buffer.from([0xe9]), 'dump.corrupt', /not in its encoding at byte \d+/],
    ['SQL_ASCII', Buffer.from([0xe9]), 'dump.corrupt', /not in its encoding/],
  ])('%s is refused where it cannot be read', async (encoding, bytes, code, message) => {
    await expect(readBytes(inEncoding(encoding, bytes))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

test('a dump of a newer server than the one to restore into is refused', async () => {
  const dump = await readBytes(writeArchive(plan({ serverVersion: '18.1' })))
  expect(() => checkServerVersion(dump, 170_010)).toThrow(expect.objectContaining({ code: 'dump.newer-server' }))
  expect(() => checkServerVersion(dump, 180_000)).not.toThrow()
})

test('reading stops when it is told to', async () => {
  const signal = AbortSignal.abort()
  await expect(readDump(odd, { signal })).rejects.toMatchObject({ code: 'aborted' })
})
