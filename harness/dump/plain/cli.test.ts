import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { RestoreRun } from '../../model/restore-run.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import { checksOfRestore, findingsOfRestore } from '../findings.ts'
import { fingerprints, query } from '../native/database-content.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'
import { checkWholeDatabase } from '../whole-database.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../../fixtures/dumps/${name}`, import.meta.url))
const [roles, schema, data, inserts] = [
  fixture('cli/roles.sql'),
  fixture('cli/schema.sql'),
  fixture('cli/data.sql'),
  fixture('cli-data-inserts.sql'),
]

let cluster: Cluster
let folder: string
let copies = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-cli-'))
  cluster = await startTestCluster()
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true })
})

async function restoreFiles(...paths: string[]): Promise<{ run: RestoreRun; database: Database }> {
  const database = await cluster.createDatabase(`copy_${copies++}`)
  await preparePlatform(database)
  await using dump = await readDump(paths)
  checkWholeDatabase(dump)
  return { database, run: await restore(dump, database) }
}

async function changed(path: string, change: (text: string) => string): Promise<string> {
  const made = join(folder, `${copies++}.sql`)
  const text = await readFile(path, 'utf8')
  const after = change(text)
  expect(after).not.toBe(text)
  await writeFile(made, after)
  return made
}

describe("the three files of the platform's CLI", () => {
  let run: RestoreRun
  let database: Database
  beforeAll(async () => {
    ;({ run, database } = await restoreFiles(fixture('cli')))
  })

  test('are one dump: every entry and every row is accounted for', () => {
    expect(run.dump).toMatchObject({ format: 'supabase-cli', serverVersion: '17.6' })
    expect(checksOfRestore(run).map(({ status }) => status)).toEqual(['passed', 'passed'])
    expect(run.entries.filter(({ fate }) => fate !== 'restored').map(({ type, name }) => `${type} ${name}`)).toEqual([
      'ROLE SETTINGS authenticator',
      'EXTENSION pg_cron',
    ])
    expect(run.rolesCreated).toEqual([])
    expect(run.tables.map(({ schema, name, rowsLoaded }) => `${schema}.${name} ${rowsLoaded}`).sort()).toEqual([
      ...[
        'auth.identities 2',
        'auth.users 2',
        'public.orders 2',
        'public.profiles 2',
        'storage.buckets 1',
        'storage.objects 1',
      ],
    ])
  })

  test('have the values of the rows, the owners, the view behind its constraint and a filled materialized view', async () => {
    expect(await query(database, 'SELECT note, mail::text FROM public.profiles ORDER BY note')).toEqual([
      { note: "it's ; a\nnote\twith \\. and \\N", mail: 'A@example.com' },
      { note: null, mail: null },
    ])
    expect(await query(database, 'SELECT email FROM auth.identities ORDER BY 1 LIMIT 1')).toEqual([
      { email: 'user0@example.com' },
    ])
    expect(await query(database, 'SELECT orders::int FROM public.per_profile ORDER BY 1')).toEqual([
      { orders: 0 },
      { orders: 1 },
    ])
    expect(await query(database, 'SELECT profiles::int FROM public.totals')).toEqual([{ profiles: 2 }])
    expect(
      await query(database, "SELECT relowner::regrole::text AS owner FROM pg_class WHERE relname = 'profiles'"),
    ).toEqual([{ owner: 'postgres' }])
    expect(await query(database, "SELECT nextval('public.orders_id_seq')::int AS next")).toEqual([{ next: 8 }])
  })

  test('close tables to the API as production does: default grants of the platform come after them', async () => {
    const may = (role: string, table: string) => `has_table_privilege('${role}', 'public.${table}', 'SELECT')`
    expect(
      await query(
        database,
        `SELECT ${may('anon', 'profiles')} AS anon, ${may('authenticated', 'profiles')} AS authenticated, ${may('service_role', 'orders')} AS service`,
      ),
    ).toEqual([{ anon: false, authenticated: true, service: false }])
    const defaults = "SELECT count(*)::int AS count FROM pg_default_acl WHERE defaclnamespace = 'public'::regnamespace"
    expect(await query(database, defaults)).toEqual([{ count: 4 }])
  })

  test('bring their roles, with settings and members, but without libraries that this server lacks', async () => {
    const settings =
      "SELECT rolname::text AS role, setconfig::text[] AS settings FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole WHERE setdatabase = 0 AND rolname IN ('anon', 'authenticator') ORDER BY 1"
    expect(await query(database, settings)).toEqual([
      { role: 'anon', settings: ['statement_timeout=4s'] },
      { role: 'authenticator', settings: expect.not.arrayContaining([expect.stringContaining('preload')]) },
    ])
    expect(await query(database, "SELECT pg_has_role('app_reader', 'anon', 'USAGE') AS member")).toEqual([
      { member: true },
    ])
  })

  test('leave things out, and every one of them is told', () => {
    const findings = findingsOfRestore(run)
    expect(findings.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'restore.not-in-dump auth, storage, realtime',
      'restore.not-in-dump supabase_migrations.schema_migrations',
      'restore.not-in-dump cron.job',
      'restore.not-in-dump the end of the schema',
      'restore.extension-stubbed pg_cron',
    ])
    expect(JSON.stringify(findings)).toContain('public.handle_new_user')
    expect(JSON.stringify(findings)).not.toContain('public.touch')
    expect(JSON.stringify(findings)).toContain('--baseline')
  })

  test('leave no history of migrations that looks like an empty one', async () => {
    expect(await query(database, "SELECT to_regclass('supabase_migrations.schema_migrations') AS history")).toEqual([
      { history: null },
    ])
  })

  test('with rows as INSERT statements, and named in any order, are the same', async () => {
    const other = await restoreFiles(inserts, roles, schema)
    expect(checksOfRestore(other.run).map(({ status }) => status)).toEqual(['passed', 'passed'])
    expect(await fingerprints(other.database)).toEqual(await fingerprints(database))
  })
})

test('rows that refer to nobody are reported: they are loaded while nothing checks them', async () => {
  const without = await changed(data, (text) => text.replace(/^0.*user1@example.com.*\n/m, ''))
  const { run } = await restoreFiles(roles, schema, without)
  const findings = findingsOfRestore(run).filter(({ object }) => object === 'auth.identities')
  expect(findings).toEqual([
    expect.objectContaining({
      kind: 'restore.references-broken',
      title: expect.stringMatching(/^1 row of auth.identities refers/),
    }),
  ])
  // A foreign key of the project's own is made after the rows: it fails.
  expect(run.entries.filter(({ fate }) => fate === 'failed').map(({ name }) => name)).toEqual([
    'profiles profiles_id_fkey',
  ])
})

test('rows that fit are no finding', async () => {
  const { run } = await restoreFiles(roles, schema, data)
  expect(findingsOfRestore(run).map(({ kind }) => kind)).not.toContain('restore.references-broken')
})

test.each([
  ['schema.sql alone', [schema], /objects but no rows.*data\.sql is missing/],
  ['data.sql alone', [data], /rows but not the tables.*schema\.sql is missing/],
  ['roles.sql alone', [roles], /roles only.*schema\.sql and data\.sql/],
  ['roles and data', [roles, data], /schema\.sql is missing/],
])('%s is refused with what is missing', async (_, paths, message) => {
  await expect(readDump(paths)).rejects.toMatchObject({
    code: 'dump.not-supported',
    message: expect.stringMatching(message),
  })
})

test.each([
  [
    'rows cut before their end',
    data,
    (text: string) => text.slice(0, text.indexOf('-- PostgreSQL database dump complete')),
  ],
  ['rows cut inside COPY', data, (text: string) => text.slice(0, text.indexOf('user1@'))],
  ['a schema cut inside a statement', schema, (text: string) => text.slice(0, text.indexOf('GENERATED ALWAYS'))],
  ['roles without their end', roles, (text: string) => text.replace('RESET ALL;', '')],
])('%s: truncated', async (_, of, cut) => {
  const path = await changed(of, cut)
  const others = [roles, schema, data].filter((other) => other !== of)
  await expect(readDump([path, ...others])).rejects.toMatchObject({
    code: 'dump.truncated',
    message: expect.stringContaining(path),
  })
})
