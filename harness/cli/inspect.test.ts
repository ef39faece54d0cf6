import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCluster } from '../database/test-cluster.ts'
import { writeArchive } from '../dump/archive/write-archive.ts'
import type { TocEntry } from '../dump/dump.ts'
import { expectedServer } from '../dump/expected-server.ts'
import type { Inspection } from '../dump/inspect.ts'
import { takeServerFacts } from '../dump/load/server-facts.ts'
import { readDump } from '../dump/read-dump.ts'
import { restore } from '../dump/restore.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { inspectCommand } from './inspect.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))
const { signal } = new AbortController()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inspect-'))
})
afterAll(() => rm(folder, { recursive: true }))

const inspectFile = (path: string, flags = {}) => inspectCommand({ dump: [path], ...flags }, folder, signal)
const documentOf = async (path: string): Promise<Inspection> =>
  JSON.parse((await inspectFile(path, { json: true })).text)

test('what is expected of the server without it is what it tells itself', async () => {
  const { facts, versionNum } = await expectedServer()
  await using cluster = await startTestCluster()
  const database = await cluster.createDatabase('before')
  await preparePlatform(database)
  await using connection = await database.connect()
  const told = await takeServerFacts(connection, 'before')
  expect(versionNum).toBe(cluster.serverVersionNum)
  expect([...facts.extensions].sort()).toEqual([...told.extensions].sort())
  expect(facts.superusers).toEqual(told.superusers)
  expect([...facts.roles].sort()).toEqual([...told.roles].filter((role) => !role.startsWith('pg_')).sort())
})

test("the reference app's dump would be restored whole", async () => {
  const { text, outcome } = await inspectFile(fixture('planner/production.dump'))
  expect(outcome).toBe('go')
  expect(text).toMatch(/custom dump of database postgres, PostgreSQL 17\.\d+, format 1\.16, gzip/)
  expect(text).toMatch(/0 refused/)
  expect(text).toMatch(/Tables with rows: \d+ \(the 20 largest; --all shows every one\)/)
  expect(text).toMatch(/pg_net: stub\. requests are queued/)
  const found = await documentOf(fixture('planner/production.dump'))
  expect(found.history).toEqual([
    {
      table: 'supabase_migrations.schema_migrations',
      rows: expect.any(Number),
      newest: expect.stringMatching(/^\d+$/),
    },
  ])
  expect(found.history[0]?.rows).toBeGreaterThan(0)
  const sizes = found.tables.map(({ bytes }) => bytes)
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
})

test('a run accounts for as many as it says', async () => {
  const path = fixture('planner/production.dump')
  const { entries, memberGrants, changed } = await documentOf(path)
  await using cluster = await startTestCluster()
  const database = await cluster.createDatabase('before')
  await preparePlatform(database)
  await using dump = await readDump(path)
  const run = await restore(dump, database)
  const fates = run.entries.map(({ fate }) => fate)
  expect(fates.filter((fate) => fate === 'restored')).toHaveLength(entries.restore)
  expect(fates.filter((fate) => fate === 'stubbed')).toHaveLength(entries.alter + entries.stub)
  expect(changed.map(({ object }) => object)).toContain('TABLE realtime.messages')
  const { text } = await inspectFile(path)
  expect(text).toContain(`    of these ${memberGrants} are grants on members of extensions; a run leaves out those`)
})

const entry = (id: number, type: string, name: string, more: Partial<TocEntry> = {}): TocEntry => ({
  id,
  type,
  section: 'pre-data',
  name,
  owner: 'postgres',
  definition: '',
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
  ...more,
})

const users = entry(1, 'TABLE', 'users', { schema: 'auth' })
const postgis = [
  entry(2, 'EXTENSION', 'no_such', { definition: 'CREATE EXTENSION no_such;\n' }),
  entry(3, 'COMMENT', 'EXTENSION no_such', { dependencies: [2] }),
  entry(4, 'TABLE', 'places', { schema: 'public', dependencies: [2] }),
  {
    ...entry(5, 'TABLE DATA', 'places', {
      schema: 'public',
      section: 'data',
      dependencies: [4],
      copyStatement: 'COPY public.places FROM stdin;\n',
    }),
    rows: '\\.\n',
  },
  entry(6, 'VIEW', 'map', { schema: 'public', dependencies: [4] }),
  entry(7, 'TABLE', 'others', { schema: 'public', owner: 'their_role' }),
]

async function archive(entries: readonly TocEntry[], serverVersion = '17.6'): Promise<string> {
  const path = join(folder, 'x.dump')
  await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries, serverVersion }))
  return path
}

test('grants on members of extensions are those on what has no entry of its own', async () => {
  const grant = (id: number, name: string, on: number) =>
    entry(id, 'ACL', name, { section: 'none', definition: `GRANT ALL ON ${name} TO anon;\n`, dependencies: [on] })
  const path = await archive([users, grant(2, 'TABLE users', 1), grant(3, 'FUNCTION armor(bytea)', 99)])
  expect(await documentOf(path)).toMatchObject({ memberGrants: 1, entries: { restore: 3 } })
  expect((await inspectFile(await archive([users, grant(2, 'TABLE users', 1)]))).text).not.toContain('of extensions;')
})

test('an extension that cannot be here is named with all that hangs on it, and nothing else', async () => {
  const path = await archive([users, ...postgis])
  const { text, outcome } = await inspectFile(path)
  expect(outcome).toBe('no-go')
  expect(text).toContain('REFUSED:\n  EXTENSION no_such: This server cannot create extension no_such.')
  const found = await documentOf(path)
  expect(found.extensions).toMatchObject([
    {
      name: 'no_such',
      mode: 'absent',
      dependents: ['TABLE public.places', 'TABLE DATA public.places', 'VIEW public.map'],
    },
  ])
  expect(found.entries).toEqual({ restore: 2, alter: 0, stub: 0, refuse: 5 })
  expect(found.roles).toEqual([
    { name: 'postgres', made: false },
    { name: 'their_role', made: true },
  ])
  expect(text).toContain('none; a run needs --baseline')
})

test('a dump that a run would refuse as a whole is still shown, with why', async () => {
  const part = await inspectFile(fixture('dumps/odd.dump'))
  expect(part).toMatchObject({ outcome: 'inconclusive', text: expect.stringContaining('no table auth.users') })
  // Names with a newline stay on their line, and cannot move a terminal's cursor.
  expect(part.text).toContain('\\u000awith a line')
  const newer = await inspectFile(await archive([users], '19.1'))
  expect(newer).toMatchObject({ outcome: 'inconclusive', text: expect.stringContaining('PostgreSQL 19') })
})

test("what the files of the platform's CLI cannot hold is told, and nothing of the kind for a whole dump", async () => {
  const { text, outcome } = await inspectFile(fixture('dumps/cli'))
  expect(outcome).toBe('go')
  expect(text).toMatch(/^Not in the dump:\n {2}Triggers on auth\.users and policies on storage\.objects/m)
  const found = await documentOf(fixture('dumps/cli'))
  expect(found.notInDump?.map(({ object }) => object)).toContain('auth, storage, realtime')
  expect((await inspectFile(fixture('planner/production.dump'))).text).not.toContain('Not in the dump')
})

test('roles that a dump brings itself are told, apart from those that it only names', async () => {
  const cluster = `--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE "my app";\nALTER ROLE "my app" WITH LOGIN;\n\\connect postgres\n--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE auth.users (id int);\nALTER TABLE auth.users OWNER TO keeper;\nGRANT SELECT ON TABLE auth.users TO "my app";\nCOPY auth.users (id) FROM stdin;\n1\n\\.\n--\n-- PostgreSQL database dump complete\n--\n\n--\n-- PostgreSQL database cluster dump complete\n--\n`
  const path = join(folder, 'cluster.backup')
  await writeFile(path, cluster)
  expect(await documentOf(path)).toMatchObject({ ownRoles: ['my app'], roles: [{ name: 'keeper', made: true }] })
  const { text } = await inspectFile(path)
  expect(text).toContain('Roles of its own: my app\nRoles named besides: keeper\n')
  expect(text).toContain('Tables with rows: 1, as text\n')
  expect((await inspectFile(fixture('planner/production.dump'))).text).not.toContain('Roles of its own')
})

test('bad input is refused as a run does', async () => {
  await expect(inspectFile('nowhere.dump')).rejects.toMatchObject({ code: 'dump.not-found' })
  await expect(inspectCommand({}, folder, signal)).rejects.toMatchObject({ code: 'usage.invalid' })
})
