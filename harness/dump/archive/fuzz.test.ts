import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HarnessError } from '../../errors.ts'
import { type DumpData, displayEntry, type TocEntry } from '../dump.ts'
import { readDump } from '../read-dump.ts'
import { CustomData } from './data.ts'
import { readArchiveHead } from './head.ts'
import { InsertedRows } from './inserted-rows.ts'
import { mutate, type Random, seededRandom } from './mutate.ts'
import { tarMembers } from './tar.ts'
import { unpackPieces } from './unpack.ts'
import { BlockWalk } from './walk.ts'
import { type ArchivePlan, packLz4, writeArchive, writeMembers, writeTar } from './write-archive.ts'

/**
 * 107,000 damaged inputs, the same on every machine. Whatever they are, reading ends soon, in bounded memory, with a
 * dump or with a `HarnessError` that names the place. `GREENLIGHT_FUZZ_SEED` and `GREENLIGHT_FUZZ_FACTOR` go further.
 */
const seed = Number(process.env.GREENLIGHT_FUZZ_SEED ?? 1)
const factor = Number(process.env.GREENLIGHT_FUZZ_FACTOR ?? 1)
/** Of one input, the machine being busy with others. */
const slowestMs = 5000
const memoryBytes = 300 * 2 ** 20

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const entry = (id: number, type: string, more: Partial<TocEntry> = {}): TocEntry => ({
  id,
  type,
  section: 'pre-data',
  schema: 'public',
  name: `"${type}"\n../${id}`,
  owner: 'o',
  definition: `CREATE ${type} x;\n`,
  dropStatement: '',
  copyStatement: '',
  dependencies: [id - 1, id],
  ...more,
})
const rows = `${Array.from({ length: 40 }, (_, n) => `${n}\té${n * n}\t\\N\n`).join('')}\\.\n\n\n`
const inserts =
  "INSERT INTO public.t (a, b) VALUES (1, 'it''s'), (2, NULL);\nINSERT INTO public.t (a, b) VALUES (-3.5, E'\\\\x');\n\n\n"
const plan = (compression: ArchivePlan['compression'], minor = 16): ArchivePlan => ({
  minor,
  compression,
  pieceBytes: 64,
  entries: [
    entry(1, 'ENCODING', { definition: "SET client_encoding = 'UTF8';\n" }),
    entry(2, 'TABLE'),
    { ...entry(3, 'TABLE DATA', { section: 'data', copyStatement: 'COPY public.t FROM stdin;\n' }), rows },
    { ...entry(4, 'TABLE DATA', { section: 'data' }), rows: inserts },
    { ...entry(5, 'BLOBS', { section: 'data' }), largeObjects: [[7, Buffer.from(rows)]] },
  ],
})
/** What pg_dump writes as SQL: rows as COPY text and as INSERT statements, quotes of every kind. */
const script = `--
-- PostgreSQL database dump
--

-- Dumped from database version 17.6
-- Dumped by pg_dump version 17.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$ begin /* a ; in $$ it $$ */ perform 'it''s'; return new; end $body$;

CREATE TABLE public.t (
    a integer NOT NULL,
    "b;""c" text DEFAULT E'\\'; --'::text
);

COPY public.t (a, "b;""c") FROM stdin;
${rows.replace(/\n\n\n$/, '\n')}

INSERT INTO public.t VALUES (1, 'it''s; a -- text');
INSERT INTO public.t VALUES (2, E'\\'');

ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (a);
CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();
COMMENT ON TABLE public.t IS 'one; two';

--
-- PostgreSQL database dump complete
--
`
const compressions = ['none', 'gzip', 'lz4', 'zstd'] as const

/** Reads everything; what must not happen is thrown. */
async function consume({ form, ids, data }: { form: DumpData['form']; ids: readonly number[]; data: DumpData }) {
  for (const id of ids) {
    if (form.call(data, id) === 'copy') for await (const _ of data.rows(id));
    if (form.call(data, id) === 'large-objects') for await (const _ of data.largeObjects(id));
  }
}

async function survives(
  name: string,
  inputs: number,
  seeds: readonly Buffer[],
  read: (bytes: Buffer, random: Random, seedIndex: number) => Promise<void>,
) {
  const ends = { read: 0, refused: 0 }
  const before = process.memoryUsage().rss
  for (let number = 0; number < inputs * factor; number++) {
    const random = seededRandom(seed * 1_000_003 + number)
    const bytes = mutate(seeds[number % seeds.length] ?? expect.fail(), random)
    const start = performance.now()
    try {
      await read(bytes, random, number % seeds.length)
      ends.read++
    } catch (error) {
      const place = `${name}, input ${number} of seed ${seed}`
      if (!(error instanceof HarnessError)) throw new Error(`${place} ended in ${error}`, { cause: error })
      if (!error.code.startsWith('dump.') || error.message.length > 2000)
        throw new Error(`${place}: ${error.code} ${error.message}`)
      ends.refused++
    }
    if (performance.now() - start > slowestMs) throw new Error(`${name}, input ${number} of seed ${seed} took too long`)
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(memoryBytes)
  // Damage that nothing is refused for, or that leaves nothing to read, tests nothing.
  expect(ends.refused).toBeGreaterThan((ends.refused + ends.read) / 10)
  expect(ends.read).toBeGreaterThan(0)
}

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

describe('damaged inputs are read or refused', { timeout: 600_000 }, () => {
  test('15,000 custom archives', async () => {
    const path = join(folder, 'custom')
    const seeds = compressions.flatMap((compression) =>
      [12, 14, 16]
        .filter((minor) => minor > 14 || compression === 'none' || compression === 'gzip')
        .map((minor) => writeArchive(plan(compression, minor))),
    )
    await survives('custom', 15_000, seeds, async (bytes, random) => {
      writeFileSync(path, bytes)
      const { header, items, end } = readArchiveHead({ path, name: path, bytes: bytes.length }, 'one file')
      const walk = new BlockWalk(path, header.integerSize, end)
      for (let at = end, step = 1 + random(200); at < bytes.length; at += step) walk.feed(bytes.subarray(at, at + step))
      walk.end(String)
      const data = new CustomData({ path, name: path, ...header, blocks: walk.blocks })
      await consume({ form: data.form, ids: items.map((item) => item.entry.id), data })
    })
  })

  test('7,500 packed streams', async () => {
    const text = Buffer.from(rows.repeat(40))
    const packed = [gzipSync(text), packLz4(text), zstdCompressSync(text)]
    const packings = ['gzip', 'lz4', 'zstd'] as const
    let next = 0
    await survives('packed', 7_500, packed, async (bytes, random) => {
      const packing = packings[next++ % 3] ?? expect.fail()
      for await (const _ of unpackPieces(pieces(bytes, 1 + random(500)), packing, {
        path: 'x',
        place: 'y',
        isFile: true,
      }));
    })
  })

  test('40,000 tar files', async () => {
    const seeds = [writeTar(writeMembers(plan('none'), 'tar')), writeTar(writeMembers(plan('gzip'), 'directory'), 'a/')]
    await survives('tar', 40_000, seeds, async (bytes, random) => {
      for await (const { start, size } of tarMembers(pieces(bytes, 1 + random(2000)), 'x')) {
        if (start + size > bytes.length) throw new Error('a member outside of the file')
      }
    })
  })

  test('40,000 rows of INSERT statements', async () => {
    const table = entry(1, 'TABLE DATA', { name: 't' })
    await survives('inserts', 40_000, [Buffer.from(inserts)], async (bytes, random) => {
      const source: DumpData = {
        form: () => 'copy',
        bytes: () => bytes.length,
        rows: () => pieces(bytes, 1 + random(40)),
        largeObjects: () => expect.fail(),
      }
      const data = new InsertedRows(source, 'x', random(2) === 0)
      const statement = await data.copyStatementOf(table)
      if (!/^COPY .+ FROM stdin;\n$/s.test(statement))
        throw new Error(`not a COPY statement for ${displayEntry(table)}`)
      await consume({ form: data.form, ids: [1], data })
    })
  })

  const read = async (path: string) => {
    await using dump = await readDump(path)
    await consume({ form: dump.data.form, ids: dump.entries.map(({ id }) => id), data: dump.data })
  }

  test('1,500 files as they are given: archives, packed ones, tar files', async () => {
    const seeds = [
      ...compressions.map((compression) => writeArchive(plan(compression))),
      ...[gzipSync, zstdCompressSync, packLz4].map((pack) => pack(writeArchive(plan('none')))),
      writeTar(writeMembers(plan('none'), 'tar')),
    ]
    const path = join(folder, 'whole')
    await survives('whole', 1_500, seeds, async (bytes) => {
      writeFileSync(path, bytes)
      await read(path)
    })
  })

  test('2,000 SQL scripts', async () => {
    const path = join(folder, 'script.sql')
    await survives('scripts', 2_000, [Buffer.from(script)], async (bytes) => {
      writeFileSync(path, bytes)
      await read(path)
    })
  })

  test('1,000 folders in which one file is damaged', async () => {
    const damaged: { readonly path: string; readonly file: string; readonly content: Buffer }[] = []
    for (const compression of compressions) {
      const path = join(folder, compression)
      await mkdir(path)
      for (const [name, content] of writeMembers(plan(compression), 'directory')) {
        const file = join(path, name)
        await writeFile(file, content)
        damaged.push({ path, file, content })
      }
    }
    const seeds = damaged.map(({ content }) => content)
    await survives('folders', 1_000, seeds, async (bytes, _, seedIndex) => {
      const { path, file, content } = damaged[seedIndex] ?? expect.fail()
      writeFileSync(file, bytes)
      try {
        await read(path)
      } finally {
        writeFileSync(file, content)
      }
    })
  })
})
