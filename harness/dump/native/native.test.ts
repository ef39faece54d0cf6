import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { ClientName } from '../../model/config.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import { takeFingerprints } from '../../snapshot/fingerprints/take.ts'
import { writeArchive } from '../archive/write-archive.ts'
import type { TocEntry } from '../dump.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'
import { archivePath } from './load-natively.ts'
import { findTools } from './tools.ts'
import { readMessages, useList } from './use-list.ts'

const here = await findTools(17, 'the test', []).catch(() => undefined)
await here?.[Symbol.asyncDispose]()

const entry = (id: number, type: string, name: string, more: Partial<TocEntry> = {}): TocEntry => ({
  ...{ id, type, name, section: 'pre-data', schema: 'public', owner: '', definition: '', dropStatement: '' },
  copyStatement: '',
  dependencies: [],
  ...more,
})

test('the use-list has one line for each entry, whatever its name is', () => {
  expect(useList([entry(7, 'TABLE DATA', 'a\nb; 9', { owner: 'me' }), entry(9, 'INDEX', 'x')])).toBe(
    '7; 0 0 TABLE DATA public a b; 9 me\n9; 0 0 INDEX public x\n',
  )
})

test('what pg_restore says is read for the entries that failed, and for whether it came to its end', () => {
  const text = [
    'pg_restore: processing data for table "public.people"',
    'pg_restore: while PROCESSING TOC:',
    'pg_restore: from TOC entry 12; 0 16385 TABLE DATA people me',
    'pg_restore: error: COPY failed for table "people": ERROR:  duplicate key value',
    'CONTEXT:  COPY people, line 1: "pg_restore: from TOC entry 99; x"',
    'pg_restore: from TOC entry 13; 2606 16385 CONSTRAINT people c me',
  ].join('\n')
  expect(readMessages(`${text}\npg_restore: warning: errors ignored on restore: 2`, 1)).toEqual({
    failed: new Set([12, 13]),
    finished: true,
  })
  expect(readMessages(text, 1).finished).toBe(false)
  expect(readMessages('', 0)).toEqual({ failed: new Set(), finished: true })
  expect(readMessages('pg_restore: error: input file does not appear to be a valid archive', 1).finished).toBe(false)
})

test('what is no archive in a file is refused', () => {
  const facts = (format: string, path: string) => ({
    facts: { format, path } as never,
    sources: [{ path, sha256: '', bytes: 1 }],
  })
  expect(() => archivePath(facts('cluster', '/x.backup'))).toThrow(
    /is a dump of format cluster\. Leave --client native out/,
  )
  expect(() => archivePath(facts('custom', 'standard input'))).toThrow(/is not read from one/)
  expect(archivePath(facts('custom', '/x.dump'))).toBe('/x.dump')
})

describe.skipIf(!here)('both clients (needs PostgreSQL 17 on the path, or Docker with its image)', () => {
  let cluster: Cluster
  let folder: string
  let copies = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenlight-native-'))
    cluster = await startTestCluster()
  })
  afterAll(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true })
  })

  const restoredBy = async (client: ClientName, path: string, platform: boolean) => {
    const database = await cluster.createDatabase(`copy_${copies++}`)
    if (platform) await preparePlatform(database)
    await using dump = await readDump([path])
    const run = await restore(dump, database, { client })
    await using session = await database.connect()
    return {
      database,
      fingerprints: await takeFingerprints(session),
      catalogue: await catalogue(database),
      entries: run.entries,
      tables: run.tables.toSorted((a, b) => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1)),
    }
  }

  const dumps = {
    odd: '../../../fixtures/dumps/odd.dump',
    forms: '../../../fixtures/dumps/forms/archive.dump',
    planner: '../../../fixtures/planner/production.dump',
  }
  test.each(Object.entries(dumps))(
    'make the same of the dump %s',
    async (name, file) => {
      const path = fileURLToPath(new URL(file, import.meta.url))
      const own = await restoredBy('own', path, name !== 'odd')
      const native = await restoredBy('native', path, name !== 'odd')
      expect(native.fingerprints).toEqual(own.fingerprints)
      expect(own.fingerprints.length).toBeGreaterThan(5)
      expect(native.entries).toEqual(own.entries)
      expect(native.tables).toEqual(own.tables)
      expect(native.catalogue).toEqual(own.catalogue)
    },
    240_000,
  )

  test('tell the same entries as failed, and neither tells a value', async () => {
    const path = join(folder, 'failing.dump')
    const rows = (id: number, of: number, text: string) => ({
      ...entry(id, 'TABLE DATA', `n${of}`, {
        section: 'data',
        dependencies: [of],
        copyStatement: `COPY public.n${of} FROM stdin;\n`,
      }),
      rows: `${text}\\.\n\n\n`,
    })
    const entries = [
      entry(1, 'TABLE', 'n1', { definition: 'CREATE TABLE public.n1 (a int);\n' }),
      entry(2, 'TABLE', 'n2', { definition: 'CREATE TABLE public.n2 (a text);\n' }),
      rows(3, 1, '1\nsecret@example.org\n'),
      rows(4, 2, 'x\nx\ny\n'),
      entry(5, 'CONSTRAINT', 'n2 n2_key', {
        section: 'post-data',
        dependencies: [2],
        definition: 'ALTER TABLE ONLY public.n2 ADD CONSTRAINT n2_key UNIQUE (a);\n',
      }),
      entry(6, 'INDEX', 'n1_a', {
        section: 'post-data',
        dependencies: [1],
        definition: 'CREATE INDEX n1_a ON public.n1 (a);\n',
      }),
    ]
    await writeFile(path, writeArchive({ minor: 16, compression: 'gzip', entries }))
    const own = await restoredBy('own', path, false)
    const native = await restoredBy('native', path, false)
    expect(native.entries).toEqual(own.entries)
    expect(native.entries.filter(({ fate }) => fate === 'failed').map(({ id }) => id)).toEqual([3, 5])
    expect(native.tables).toEqual(own.tables)
    expect(JSON.stringify(native.entries)).not.toContain('secret@')
  })

  async function catalogue(database: Database): Promise<unknown[]> {
    await using connection = await database.connect()
    const { rows } = await connection.query(
      `SELECT c.oid::regclass::text AS name, relkind, relowner::regrole::text AS owner, relacl::text AS acl,
         (SELECT indisvalid FROM pg_index WHERE indexrelid = c.oid) AS valid, pg_get_indexdef(c.oid) AS index,
         (SELECT json_agg(json_build_array(conname, convalidated, pg_get_constraintdef(k.oid)) ORDER BY conname) FROM pg_constraint k WHERE conrelid = c.oid) AS constraints,
         (SELECT json_agg(json_build_array(tgname, tgenabled) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) AS triggers,
         (SELECT last_value FROM pg_sequences WHERE c.relkind = 'S' AND schemaname = c.relnamespace::regnamespace::text AND sequencename = c.relname) AS last_value,
         obj_description(c.oid) AS comment
       FROM pg_class c WHERE relnamespace::regnamespace::text !~ '^pg_|information_schema' ORDER BY 1, 2`,
    )
    return rows
  }
})
