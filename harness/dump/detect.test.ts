import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireCustomArchive } from './detect.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-detect-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(content: string | Buffer): Promise<string> {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.backup`)
  await writeFile(path, content)
  return path
}

const tar = Buffer.alloc(1024)
tar.write('toc.dat')
tar.write('ustar', 257)

test.each([
  ['an empty file', Buffer.alloc(0), 'dump.empty'],
  ['a file that ends inside the magic', Buffer.from('PGD'), 'dump.truncated'],
  ['a text file', 'Dear team,\nhere is the dump.\n', 'dump.unrecognised'],
  ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0]), 'dump.unrecognised'],
  ['a plain dump', '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n', 'dump.not-supported'],
  ['a cluster dump', '--\n-- PostgreSQL database cluster dump\n--\n', 'dump.not-supported'],
  ['data of the Supabase CLI', 'SET session_replication_role = replica;\n', 'dump.not-supported'],
  ['a schema of the Supabase CLI', '\n\nCREATE TABLE IF NOT EXISTS "public"."x" (\n', 'dump.not-supported'],
  ['a tar archive', tar, 'dump.not-supported'],
  ['a zip file', Buffer.from('PK\x03\x04'), 'dump.not-supported'],
  ['gzip of nonsense', Buffer.from([0x1f, 0x8b, 1, 2, 3]), 'dump.not-supported'],
])('%s is refused', async (_, content, code) => {
  await expect(requireCustomArchive(await file(content))).rejects.toMatchObject({ name: 'HarnessError', code })
})

test('a path that leads nowhere is refused by its name', async () => {
  const path = join(folder, 'nowhere', 'production.dump')
  await expect(requireCustomArchive(path)).rejects.toMatchObject({
    code: 'dump.not-found',
    message: expect.stringContaining(path),
  })
})

test('a backup of the dashboard is recognised through its gzip, and the message says what works', async () => {
  const path = await file(gzipSync('--\n-- PostgreSQL database cluster dump\n--\n'.padEnd(300_000, '-- x\n')))
  await expect(requireCustomArchive(path)).rejects.toMatchObject({
    code: 'dump.not-supported',
    message: expect.stringMatching(/gzip, a dump of a whole cluster.*pg_dump -Fc/),
  })
})

test('a custom archive inside gzip is to be unpacked', async () => {
  const path = await file(gzipSync('PGDMP'))
  await expect(requireCustomArchive(path)).rejects.toThrow('Unpack it')
})

test('a folder is a directory archive when it has a table of contents', async () => {
  await expect(requireCustomArchive(folder)).rejects.toMatchObject({ code: 'dump.unrecognised' })
  const archive = join(folder, 'archive')
  await mkdir(archive)
  await writeFile(join(archive, 'toc.dat'), 'PGDMP')
  await expect(requireCustomArchive(archive)).rejects.toMatchObject({
    code: 'dump.not-supported',
    message: expect.stringContaining('directory archive'),
  })
})
