import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TocEntry } from '../dump.ts'
import { readDump } from '../read-dump.ts'
import { type ArchivePlan, writeArchive, writeMembers, writeTar } from './write-archive.ts'

let folder: string
let dumps = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'round-trip-'))
})
afterAll(() => rm(folder, { recursive: true }))

// Names of all kinds: quotes, newlines, paths, marks of other scripts; never a lone surrogate, which UTF-8 cannot write.
const name = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom('"', "'", '\n\\! rm\n', '../../etc/passwd', 'a"."b', '\\.', 'ünï', '-- x'),
)
const table = fc.record({
  name,
  schema: name,
  owner: name,
  definition: fc.string({ unit: 'grapheme' }),
  dependencies: fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 4 }),
  rows: fc.array(fc.stringMatching(/^[a-z0-9é\\\t]{0,30}$/), { maxLength: 50 }),
  object: fc.uint8Array({ maxLength: 3000 }),
})
const plans = fc
  .record({
    minor: fc.constantFrom(12, 13, 14, 15, 16),
    integerSize: fc.constantFrom(4 as const, 8 as const),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
    compression: fc.constantFrom('none' as const, 'gzip' as const, 'lz4' as const, 'zstd' as const),
    tables: fc.array(table, { maxLength: 6 }),
  })
  .map(({ tables, compression, ...rest }) => ({
    ...rest,
    compression: rest.minor < 15 && compression !== 'none' ? ('gzip' as const) : compression,
    tables,
  }))

type Tables = (typeof plans extends fc.Arbitrary<infer T> ? T : never)['tables']

const textOf = (rows: readonly string[]) =>
  `${rows
    .filter((row) => row !== '\\.')
    .map((row) => `${row}\n`)
    .join('')}\\.\n\n\n`

function entriesOf(tables: Tables): ArchivePlan['entries'] {
  return tables.flatMap(({ rows, object, ...told }, at) => {
    const entry: TocEntry = {
      ...told,
      id: 3 * at + 1,
      type: 'TABLE',
      section: 'pre-data',
      dropStatement: '',
      copyStatement: '',
    }
    const data = { ...entry, section: 'data', definition: '' } as const
    return [
      entry,
      { ...data, id: 3 * at + 2, type: 'TABLE DATA', copyStatement: 'COPY x FROM stdin;\n', rows: textOf(rows) },
      // Before 17 all large objects are in one list.
      {
        ...data,
        id: 3 * at + 3,
        type: at === 0 ? 'BLOBS' : 'COMMENT',
        ...(at === 0 ? { largeObjects: [[at + 1, Buffer.from(object)] as [number, Buffer]] } : {}),
      },
    ]
  })
}

test('what an archive of any format holds is what was put into it', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ tables, ...how }) => {
      const plan = { ...how, entries: entriesOf(tables) }
      const path = join(folder, `${dumps++}`)
      await mkdir(path)
      for (const [file, bytes] of writeMembers(plan, 'directory')) await writeFile(join(path, file), bytes)
      await writeFile(`${path}.custom`, writeArchive(plan))
      await writeFile(`${path}.tar`, writeTar(writeMembers(plan, 'tar')))
      for (const given of [path, `${path}.custom`, `${path}.tar`]) {
        await using dump = await readDump(given)
        const put = plan.entries.map(({ rows, largeObjects, file, ...entry }) => entry)
        expect(dump.entries).toEqual(put)
        for (const [at, { rows, object }] of tables.entries()) {
          const read: Buffer[] = []
          for await (const piece of dump.data.rows(3 * at + 2)) read.push(piece)
          expect(Buffer.concat(read).toString()).toBe(textOf(rows))
          if (at > 0) continue
          const bytes: Buffer[] = []
          for await (const piece of dump.data.largeObjects(3)) bytes.push(piece.bytes)
          expect(Buffer.concat(bytes).equals(object)).toBe(true)
        }
      }
    }),
    { numRuns: 60, seed: 5 },
  )
}, 300_000)
