import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packLz4 } from '../archive/write-archive.ts'
import { readDump } from '../read-dump.ts'
import { openInputs } from './open-inputs.ts'

const odd = fileURLToPath(new URL('../../../fixtures/dumps/odd.dump', import.meta.url))

let folder: string
let archive: Buffer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inputs-'))
  archive = await readFile(odd)
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function file(content: string | Buffer): Promise<string> {
  const path = join(folder, `${files++}.backup`)
  await writeFile(path, content)
  return path
}

/** Folders of this process that unpacked dumps would be in. */
const privateFolders = async () =>
  (await Promise.all([tmpdir(), '/dev/shm'].map((root) => readdir(root).catch(() => []))))
    .flat()
    .filter((name) => name.startsWith(`greenlight-${process.pid}-`))

const clusterScript = '--\n-- PostgreSQL database cluster dump\n--\n'
const emptyTar = Buffer.alloc(1024)
emptyTar.write('toc.dat')
emptyTar.write('ustar', 257)

test.each([
  ['a custom archive', 'PGDMP...', 'custom'],
  ['a tar archive', emptyTar, 'tar'],
  ['a plain dump', '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n', 'plain'],
  ['a cluster dump', clusterScript, 'cluster'],
  ['data of the Supabase CLI', 'SET session_replication_role = replica;\n', 'supabase-cli'],
  [
    'roles of the Supabase CLI, none of them new',
    'ALTER ROLE "anon" SET "statement_timeout" TO \'3s\';\n',
    'supabase-cli',
  ],
  ['a schema of the Supabase CLI', '\n\nCREATE TABLE IF NOT EXISTS "public"."x" (\n', 'supabase-cli'],
  ['a cluster dump in gzip', gzipSync(clusterScript.padEnd(300_000, '-- x\n')), 'cluster'],
  ['a custom archive in zstd', zstdCompressSync(Buffer.from('PGDMP...')), 'custom'],
  ['a plain dump in lz4', packLz4(Buffer.from('-- PostgreSQL database dump\n')), 'plain'],
])('%s is told by its bytes', async (_, content, kind) => {
  const path = await file(content)
  await using opened = await openInputs([path], undefined)
  expect(opened.inputs).toMatchObject([{ name: path, kind }])
})

test.each([
  ['an empty file', Buffer.alloc(0), 'dump.empty', /is empty/],
  ['a file that ends inside the magic', Buffer.from('PGD'), 'dump.truncated', /header/],
  ['a text file', 'Dear team,\nhere is the dump.\n', 'dump.unrecognised', /text file.*pg_dump -Fc/],
  ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0]), 'dump.unrecognised', /no known kind/],
  ['a zip file', Buffer.from('PK\x03\x04'), 'dump.not-supported', /zip/],
  ['gzip of nonsense', Buffer.from([0x1f, 0x8b, 1, 2, 3]), 'dump.corrupt', /does not unpack \(gzip\)/],
  [
    'gzip that is cut',
    gzipSync(Buffer.from(`PGDMP${Math.PI}`.repeat(99))).subarray(0, -20),
    'dump.truncated',
    /inside its gzip/,
  ],
  [
    'zstd that is cut',
    zstdCompressSync(Buffer.from(`PGDMP${Math.PI}`.repeat(99))).subarray(0, -3),
    'dump.truncated',
    /inside its zstd/,
  ],
  ['lz4 that is cut', packLz4(Buffer.from('PGDMP')).subarray(0, -3), 'dump.truncated', /inside its lz4/],
  ['gzip of a text', gzipSync('Dear team,'), 'dump.unrecognised', /text file/],
  ['gzip of nothing', gzipSync(''), 'dump.empty', /is empty/],
  ['gzip in zstd', zstdCompressSync(gzipSync('PGDMP')), 'dump.not-supported', /packed twice/],
  [
    'zstd with something behind it',
    Buffer.concat([zstdCompressSync(Buffer.from('PGDMP')), Buffer.from('more')]),
    'dump.corrupt',
    /zstd/,
  ],
])('%s is refused, and leaves nothing behind', async (_, content, code, message) => {
  const path = await file(content)
  await expect(openInputs([path], undefined)).rejects.toMatchObject({
    name: 'HarnessError',
    code,
    message: expect.stringMatching(message),
    facts: { path },
  })
  expect(await privateFolders()).toEqual([])
})

test('a path that leads nowhere is refused by its name', async () => {
  const path = join(folder, 'nowhere', 'production.dump')
  await expect(openInputs([path], undefined)).rejects.toMatchObject({
    code: 'dump.not-found',
    message: expect.stringContaining(path),
  })
})

test('a zip bomb is refused while it is unpacked', async () => {
  const path = await file(gzipSync(Buffer.concat([archive, Buffer.alloc(80 << 20)])))
  await expect(openInputs([path], undefined)).rejects.toMatchObject({
    code: 'dump.too-large',
    message: expect.stringContaining(path),
  })
  expect(await privateFolders()).toEqual([])
})

describe('a packed archive', () => {
  test.each([
    ['gzip', () => gzipSync(archive)],
    ['two members of gzip', () => Buffer.concat([gzipSync(archive.subarray(0, 999)), gzipSync(archive.subarray(999))])],
    ['zstd', () => zstdCompressSync(archive)],
    [
      'two frames of zstd',
      () => Buffer.concat([zstdCompressSync(archive.subarray(0, 999)), zstdCompressSync(archive.subarray(999))]),
    ],
    ['lz4', () => packLz4(archive)],
  ])('in %s is read from a private file that goes with it; its hash is that of the given bytes', async (_, pack) => {
    const path = await file(pack())
    const plain = await readDump(odd)
    const dump = await readDump(path)
    const [given] = await privateFolders()
    expect(dump.entries).toEqual(plain.entries)
    expect(dump.facts.path).toBe(path)
    expect(dump.sources).toEqual([{ path, bytes: (await stat(path)).size, sha256: dump.facts.sha256 }])
    expect(dump.facts.sha256).not.toBe(plain.facts.sha256)
    const root =
      [tmpdir(), '/dev/shm'].map((at) => join(at, given ?? expect.fail())).find((at) => existsSync(at)) ?? expect.fail()
    const unpacked = (await readdir(root)).find((name) => name.startsWith('dump-')) ?? expect.fail()
    expect((await stat(root)).mode & 0o777).toBe(0o700)
    expect((await stat(join(root, unpacked))).mode & 0o777).toBe(0o600)
    const rows = async (of: typeof dump) => {
      const pieces: Buffer[] = []
      for (const { entryId } of of.tables) for await (const piece of of.data.rows(entryId)) pieces.push(piece)
      return Buffer.concat(pieces)
    }
    expect(await rows(dump)).toEqual(await rows(plain))
    await dump[Symbol.asyncDispose]()
    expect(await privateFolders()).toEqual([])
  })
})

test('several archives, or an archive and something else, are not one dump', async () => {
  await expect(readDump([odd, odd])).rejects.toMatchObject({
    code: 'usage.invalid',
    message: expect.stringContaining('by itself'),
  })
  await expect(readDump([await file(clusterScript), odd])).rejects.toMatchObject({
    code: 'usage.invalid',
    message: expect.stringContaining(odd),
  })
})

describe('a folder', () => {
  test('stands for its files, in the order of their names, without hidden ones', async () => {
    const path = join(folder, 'cli')
    await mkdir(path)
    await writeFile(join(path, 'b.sql'), 'CREATE TABLE IF NOT EXISTS "public"."x" (')
    await writeFile(join(path, 'a.sql'), 'CREATE ROLE "x";')
    await writeFile(join(path, '.DS_Store'), 'x')
    await using opened = await openInputs([path], undefined)
    expect(opened.inputs.map(({ name }) => name)).toEqual([join(path, 'a.sql'), join(path, 'b.sql')])
  })

  test('without files is no dump', async () => {
    const path = join(folder, 'empty')
    await mkdir(path)
    await expect(openInputs([path], undefined)).rejects.toMatchObject({ code: 'dump.unrecognised' })
  })

  test('with a file that is none is refused by that name', async () => {
    const path = join(folder, 'mixed')
    await mkdir(path)
    await writeFile(join(path, 'notes.txt'), 'hello')
    await expect(openInputs([path], undefined)).rejects.toThrow('notes.txt')
  })
})

test('a link to an archive is followed: it was named', async () => {
  const path = join(folder, 'link.dump')
  await symlink(odd, path)
  await using dump = await readDump(path)
  expect(dump.facts.path).toBe(path)
})

const child = `
  import { readDump } from ${JSON.stringify(fileURLToPath(new URL('../read-dump.ts', import.meta.url)))}
  const { facts, tables } = await readDump(process.argv[1] ?? '-')
  console.log(JSON.stringify({ facts, tables: tables.length }))
`
const run = promisify(execFile)
const inShell = (script: string) => run('bash', ['-c', script, process.execPath, child, odd], { cwd: dirname(odd) })

test('a dump from standard input or a pipe is that dump', async () => {
  await using plain = await readDump(odd)
  const { bytes, sha256 } = plain.facts
  const expected = { facts: { bytes, sha256 }, tables: plain.tables.length }
  const piped = await inShell('"$0" --input-type=module-typescript -e "$1" < "$2"')
  expect(JSON.parse(piped.stdout)).toMatchObject({ ...expected, facts: { ...expected.facts, path: 'standard input' } })
  const fifo = await inShell('"$0" --input-type=module-typescript -e "$1" <(cat "$2")')
  expect(JSON.parse(fifo.stdout)).toMatchObject(expected)
})

test('standard input without a byte is refused', async () => {
  await expect(inShell('"$0" --input-type=module-typescript -e "$1" < /dev/null')).rejects.toThrow(
    'standard input is empty',
  )
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s while it is unpacked leaves no part of it behind', async (signal) => {
  const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url))
  const stopped = spawn(process.execPath, [cli, 'inspect', '--dump', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
  const folders = async () =>
    (await Promise.all([tmpdir(), '/dev/shm'].map((root) => readdir(root).catch(() => []))))
      .flat()
      .filter((name) => name.startsWith(`greenlight-${stopped.pid}-`))
  let said = ''
  stopped.stderr.on('data', (piece) => {
    said += piece
  })
  stopped.stdin.on('error', () => {}) // what it did not read any more
  // More than it looks at to tell what it is, and no end.
  stopped.stdin.write(Buffer.concat([archive, Buffer.alloc(1 << 20)]))
  await expect.poll(folders, { timeout: 60_000 }).not.toEqual([])
  stopped.kill(signal)
  const [code] = await once(stopped, 'exit')
  expect(said).toContain(`Stopped by ${signal}`)
  expect(code).toBe(2)
  expect(await folders()).toEqual([])
})
