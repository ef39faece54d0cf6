import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { MaskConfig } from '../../model/config.ts'
import type { RestoreRun } from '../../model/restore-run.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import { writeArchive } from '../archive/write-archive.ts'
import type { TocEntry } from '../dump.ts'
import { checksOfRestore, findingsOfRestore } from '../findings.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'
import { checkMaskable } from './check.ts'

let cluster: Cluster
let folder: string
let copies = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-mask-'))
  cluster = await startTestCluster()
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true })
})

const blank = {
  section: 'pre-data',
  schema: 'public',
  owner: '',
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
} as const
const made = (id: number, type: string, name: string, definition: string, more: Partial<TocEntry> = {}): TocEntry => ({
  ...blank,
  id,
  type,
  name,
  definition,
  ...more,
})
const rowsOf = (id: number, of: number, name: string, columns: string, rows: string) => ({
  ...made(id, 'TABLE DATA', name, '', {
    section: 'data',
    dependencies: [of],
    copyStatement: `COPY public.${name} (${columns}) FROM stdin;\n`,
  }),
  rows: `${rows}\\.\n\n\n`,
})

async function restoreMasked(
  entries: readonly (TocEntry & { rows?: string })[],
  config: MaskConfig = {},
  key = 'a key for the tests',
) {
  const path = join(folder, `${copies}.dump`)
  await writeFile(path, writeArchive({ minor: 16, compression: 'gzip', entries }))
  const database = await cluster.createDatabase(`masked_${copies++}`)
  await using dump = await readDump([path])
  return { database, run: await restore(dump, database, { mask: { config, key, keep: ['team@corp.example'] } }) }
}

async function query(database: Database, sql: string): Promise<Record<string, unknown>[]> {
  await using connection = await database.connect()
  return (await connection.query(sql)).rows
}

describe('a restore with masks', () => {
  const people = [
    made(
      1,
      'TABLE',
      'people',
      'CREATE TABLE public.people (id int, email text, phone varchar(20), note text, tags text[], extra jsonb, born date);\n',
    ),
    made(2, 'TABLE', 'orders', 'CREATE TABLE public.orders (id int, buyer text, home_address varchar(30));\n'),
    rowsOf(
      3,
      1,
      'people',
      'id, email, phone, note, tags, extra, born',
      '1\tada@lovelace.org\t+44 20 7946 0000\tasked ada@lovelace.org\\ntwice\t{"ada@lovelace.org",plain}\t{"email": "ada@lovelace.org", "n": 1.50}\t1815-12-10\n' +
        '2\t\t\\N\t\\N\t\\N\t\\N\t\\N\n' +
        '3\tteam@corp.example\t020 7946\tnothing\t{}\t{}\t1900-01-01\n',
    ),
    rowsOf(
      4,
      2,
      'orders',
      'id, buyer, home_address',
      '10\tada@lovelace.org\t12 St James Square\n11\tteam@corp.example\t\\N\n',
    ),
    made(
      5,
      'CONSTRAINT',
      'people people_email_key',
      'ALTER TABLE ONLY public.people ADD CONSTRAINT people_email_key UNIQUE (email);\n',
      { section: 'post-data', dependencies: [1] },
    ),
    made(
      6,
      'FK CONSTRAINT',
      'orders buyer_fkey',
      'ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT buyer_fkey FOREIGN KEY (buyer) REFERENCES public.people(email);\n',
      { section: 'post-data', dependencies: [2, 1, 5] },
    ),
  ]

  test('replaces values and keeps what ties them together, NULL, the empty value and everything else', async () => {
    const { database, run } = await restoreMasked(people)
    expect(findingsOfRestore(run)).toEqual([])
    expect(checksOfRestore(run).map(({ id, status }) => `${id} ${status}`)).toEqual([
      'restore.entries passed',
      'restore.rows passed',
      'restore.masked passed',
    ])
    const [ada, empty, team] = await query(database, 'SELECT *, born::text FROM public.people ORDER BY id')
    const { email } = ada ?? {}
    expect(email).toMatch(/^[a-z.]+\.[a-z0-9]{16}@example\.com$/)
    expect(ada).toMatchObject({
      id: 1,
      note: `asked ${email}\ntwice`,
      tags: [email, 'plain'],
      extra: { email, n: 1.5 },
      born: '1815-12-10',
    })
    expect(ada?.phone).toMatch(/^\+4\d \d{2} \d{4} \d{4}$/)
    expect(empty).toMatchObject({ id: 2, email: '', phone: null, note: null, tags: null, extra: null })
    expect(team).toMatchObject({ id: 3, email: 'team@corp.example', note: 'nothing', tags: [] })
    expect(await query(database, 'SELECT buyer FROM public.orders ORDER BY id')).toEqual([
      { buyer: email },
      { buyer: 'team@corp.example' },
    ])
    expect(run.masking).toEqual({
      key: 'given',
      columns: [
        { table: 'public.orders', column: 'buyer', as: 'email', reason: 'reference', values: 1 },
        { table: 'public.orders', column: 'home_address', as: 'address', reason: 'name', values: 1 },
        { table: 'public.people', column: 'email', as: 'email', reason: 'name', values: 1 },
        { table: 'public.people', column: 'extra', as: 'json', reason: 'type', values: 1 },
        { table: 'public.people', column: 'note', as: 'mentions', reason: 'mentions', values: 1 },
        { table: 'public.people', column: 'phone', as: 'phone', reason: 'name', values: 2 },
        { table: 'public.people', column: 'tags', as: 'mentions', reason: 'mentions', values: 1 },
      ],
    })
  })

  test('gives another run with the same key the same masks', async () => {
    const one = await restoreMasked(people)
    const two = await restoreMasked(people)
    const other = await restoreMasked(people, {}, 'another key of tests')
    const emails = (database: Database) => query(database, 'SELECT email FROM public.people ORDER BY id')
    expect(await emails(one.database)).toEqual(await emails(two.database))
    expect(await emails(one.database)).not.toEqual(await emails(other.database))
  })

  test('names the columns when Postgres refuses a mask', async () => {
    const strict = (check: string) => [
      made(1, 'TABLE', 'codes', `CREATE TABLE public.codes (id int, secret text${check});\n`),
      rowsOf(2, 1, 'codes', 'id, secret', '1\tA-17\n'),
    ]
    const { run } = await restoreMasked(strict(" CHECK (secret = 'A-17')"))
    expect(run.entries[1]).toMatchObject({
      fate: 'failed',
      reason: expect.stringMatching(
        /^23514: .*Masked columns: public\.codes: secret \(token\)\..*"keep", in mask\.tables/,
      ),
    })
    expect(findingsOfRestore(run).map(({ kind }) => kind)).toEqual(['restore.entry-failed', 'restore.rows-missing'])
    const kept = await restoreMasked(strict(" CHECK (secret = 'A-17')"), {
      tables: { 'public.codes': { secret: 'keep' } },
    })
    expect(findingsOfRestore(kept.run)).toEqual([])
    const shaped = await restoreMasked(strict(" CHECK (secret ~ '^[A-Z]-[0-9]+$')"))
    expect(findingsOfRestore(shaped.run)).toEqual([])
  })

  test('reaches rows that come as INSERT statements, with a list of columns and without one', async () => {
    const inserts = (id: number, list: string, values: string) => ({
      ...rowsOf(id, 1, 'people', '', ''),
      copyStatement: '',
      rows: `INSERT INTO public.people${list} VALUES (${values});\n\n\n`,
    })
    const definition =
      'CREATE TABLE public.people (lower_email text GENERATED ALWAYS AS (lower(email)) STORED, id int, email text);\n'
    const own = made(1, 'TABLE', 'people', definition)
    for (const [list, values] of [
      [' (id, email)', "1, 'Ada@lovelace.org'"],
      ['', "DEFAULT, 1, 'Ada@lovelace.org'"],
    ] as const) {
      const { database, run } = await restoreMasked([own, inserts(2, list, values)])
      expect(findingsOfRestore(run)).toEqual([])
      expect(run.masking?.columns).toMatchObject([{ column: 'email', as: 'email', values: 1 }])
      const [row] = await query(database, 'SELECT * FROM public.people')
      expect(row?.email).toMatch(/@example\.com$/)
      expect(row?.lower_email).toBe(String(row?.email).toLowerCase())
    }
  })

  test('is refused where it cannot be had', async () => {
    await expect(restoreMasked(people, { tables: { 'public.people': { born: 'name' } } })).rejects.toMatchObject({
      code: 'config.invalid',
    })
    const dump = { entries: people, encoding: 'UTF8', facts: { path: 'x.dump' } as never }
    expect(() => checkMaskable(dump, { tables: { 'public.people': { emial: 'email' }, 'public.poeple': {} } })).toThrow(
      /no column emial.*did you mean email\?[\s\S]*no table public\.poeple; did you mean public\.people\?/,
    )
    expect(() => checkMaskable(dump, { tables: { 'public.people': { email: 'email' } } })).not.toThrow()
    expect(() => checkMaskable({ ...dump, encoding: 'LATIN1' }, {})).toThrow(/LATIN1/)
  })
})

describe('the dump of the reference app, masked', () => {
  let plain: Database
  let masked: Database
  let run: RestoreRun
  const canary = 'owner@planner.example.com'

  beforeAll(async () => {
    await using dump = await readDump([new URL('../../../fixtures/planner/production.dump', import.meta.url).pathname])
    const restored = async (name: string, mask?: { config: MaskConfig; keep: readonly string[] }) => {
      const database = await cluster.createDatabase(name)
      await preparePlatform(database)
      return { database, run: await restore(dump, database, { mask }) }
    }
    ;({ database: plain } = await restored('plain'))
    ;({ database: masked, run } = await restored('masked', { config: {}, keep: [canary] }))
  })

  test('is restored whole: every foreign key and every unique index holds', () => {
    expect(checksOfRestore(run).map(({ status }) => status)).toEqual(['passed', 'passed', 'passed'])
    expect(run.masking?.key).toBe('random')
  })

  test('holds no address, token, hash or name of a person that the dump holds, in any column of text', async () => {
    const raw = new Set<string>()
    for (const sql of [
      `SELECT lower(email) AS v FROM auth.users WHERE email <> '${canary}' UNION SELECT lower(email) FROM public.profiles WHERE email <> '${canary}' UNION SELECT lower(email) FROM public.invitations WHERE email !~ '@resend.dev$' AND email <> '${canary}'`,
      'SELECT token AS v FROM auth.refresh_tokens UNION SELECT token_hash FROM auth.one_time_tokens UNION SELECT secret FROM auth.mfa_factors UNION SELECT secret FROM vault.secrets',
      `SELECT encrypted_password AS v FROM auth.users WHERE email <> '${canary}' AND length(encrypted_password) > 20`,
      `SELECT full_name AS v FROM public.profiles WHERE full_name LIKE '% %'`,
    ])
      for (const { v } of await query(plain, sql)) if (typeof v === 'string' && v.length > 5) raw.add(v.toLowerCase())
    expect(raw.size).toBeGreaterThan(5_000)
    // Each takes a look at the whole database.
    const sought = [...raw].filter((_, at) => at % 5 === 0)
    const found = (texts: readonly string[]) => sought.filter((value) => texts.some((text) => text.includes(value)))
    // A few stand there in another form: with their quotation marks doubled.
    expect(found(await allTexts(plain)).length).toBeGreaterThan(sought.length * 0.99)
    // A mask is made of names too: "Ada Lovelace Xyz" holds somebody else's by chance, which tells nothing of them.
    const masks = (await query(masked, 'SELECT lower(full_name) AS v FROM public.profiles')).map(({ v }) => String(v))
    const texts = await allTexts(masked)
    const left = found(texts).filter((value) => {
      const within = masks.filter((mask) => mask.includes(value))
      return texts.some((text) => within.reduce((rest, mask) => rest.replaceAll(mask, ''), text).includes(value))
    })
    expect(left).toEqual([])
  }, 240_000)

  test('keeps the links between accounts, identities and profiles', async () => {
    const sql = `SELECT (SELECT count(*) FROM auth.users u JOIN auth.identities i ON i.user_id = u.id WHERE lower(u.email) = i.email) AS identities,
      (SELECT count(*) FROM auth.users u JOIN public.profiles p USING (id) WHERE lower(u.email) = lower(p.email)) AS profiles,
      (SELECT count(*) FROM auth.identities WHERE identity_data ->> 'sub' = provider_id) AS subjects,
      (SELECT count(*) FROM auth.refresh_tokens t JOIN auth.refresh_tokens p ON p.token = t.parent) AS parents,
      (SELECT count(*) FROM auth.users WHERE email <> lower(email)) AS capitals,
      (SELECT count(DISTINCT encrypted_password) FROM auth.users) AS passwords`
    expect(await query(masked, sql)).toEqual(await query(plain, sql))
  })

  test('a canary keeps its address and its password, and nobody else does', async () => {
    const sql = `SELECT email, encrypted_password FROM auth.users WHERE email = '${canary}'`
    expect(await query(masked, sql)).toEqual(await query(plain, sql))
    const hashes = await query(plain, 'SELECT encrypted_password AS hash FROM auth.users')
    const kept = await query(
      masked,
      `SELECT encrypted_password AS hash, email FROM auth.users WHERE encrypted_password LIKE '$%'`,
    )
    const known = new Set(hashes.map(({ hash }) => hash))
    expect(kept.filter(({ hash }) => known.has(hash)).map(({ email }) => email)).toEqual([canary])
    expect(kept.length).toBeGreaterThan(1000)
  })
})

/** Every row of every table as text, in lower case. */
async function allTexts(database: Database): Promise<string[]> {
  const tables = await query(
    database,
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind = 'r' AND n.nspname !~ '^pg_|^information_schema|^supabase_migrations'`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const rows = await query(database, `SELECT lower(string_agg(t::text, E'\\n')) AS text FROM ${name} t`)
    if (typeof rows[0]?.text === 'string') texts.push(rows[0].text)
  }
  return texts
}
