import { expect, test } from 'vitest'
import type { Dump, DumpData, TocEntry } from './dump.ts'
import { planRestore, type RestorePlan, type ServerFacts } from './plan.ts'

const server: ServerFacts = {
  database: 'before',
  superusers: new Set(['supabase_admin']),
  roles: new Set(['postgres', 'supabase_admin']),
  extensions: new Map([
    ['citext', { comment: 'data type for case-insensitive character strings' }],
    ['pg_net', { comment: 'STUB of pg_net: requests are queued, none is ever sent' }],
    ['pg_cron', { comment: 'STUB of pg_cron: jobs are kept, none ever runs', schema: 'pg_catalog' }],
  ]),
}

let nextId = 1
const entry = (type: string, name: string, more: Partial<TocEntry> = {}): TocEntry => ({
  id: nextId++,
  type,
  name,
  section: 'pre-data',
  owner: '',
  definition: `CREATE ${type} ${name};\n`,
  dropStatement: '',
  copyStatement: '',
  dependencies: [],
  ...more,
})

async function* nothing(): AsyncGenerator<never> {}
const noData: DumpData = { form: () => undefined, bytes: () => 0, rows: nothing, largeObjects: nothing }

function plan(entries: readonly TocEntry[], more: Partial<Dump> = {}): RestorePlan {
  const extensions = entries.filter(({ type }) => type === 'EXTENSION').map(({ name }) => name)
  const facts: Dump['facts'] = {
    path: 'x.dump',
    format: 'custom',
    serverVersion: '17.6',
    compression: 'none',
    bytes: 1,
    sha256: '',
    database: 'postgres',
  }
  return planRestore(
    {
      facts,
      sources: [],
      serverVersionNum: 170_006,
      encoding: 'UTF8',
      entries,
      data: noData,
      extensions,
      roles: [],
      tables: [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
      ...more,
    },
    server,
  )
}

const only = (...entries: TocEntry[]) => plan(entries).entries.at(-1)

test.each(['issue_graphql_placeholder', 'issue_pg_cron_access', 'issue_pg_graphql_access', 'issue_pg_net_access'])(
  "the platform's event trigger %s is left out",
  (name) => {
    expect(only(entry('EVENT TRIGGER', name, { owner: 'supabase_admin' }))).toMatchObject({ action: 'stub', sql: '' })
  },
)

test('other event triggers come last, and are owned by a superuser', () => {
  const kept = only(
    entry('EVENT TRIGGER', 'pgrst_ddl_watch', {
      owner: 'supabase_admin',
      dropStatement: 'DROP EVENT TRIGGER pgrst_ddl_watch;\n',
    }),
  )
  expect(kept).toMatchObject({ action: 'restore', phase: 'last' })
  expect(kept?.sql).toContain('ALTER EVENT TRIGGER "pgrst_ddl_watch" OWNER TO "supabase_admin"')
  const altered = only(
    entry('EVENT TRIGGER', 'mine', { owner: 'postgres', dropStatement: 'DROP EVENT TRIGGER mine;\n' }),
  )
  expect(altered).toMatchObject({ action: 'alter', reason: expect.stringContaining('postgres') })
  expect(altered?.sql).not.toContain('OWNER')
})

test('what belongs to something left out is left out with it', () => {
  const trigger = entry('EVENT TRIGGER', 'issue_pg_net_access')
  expect(
    only(trigger, entry('COMMENT', 'EVENT TRIGGER issue_pg_net_access', { dependencies: [trigger.id] })),
  ).toMatchObject({
    action: 'stub',
    reason: 'It belongs to EVENT TRIGGER issue_pg_net_access, which is left out.',
  })
})

test('subscriptions and logins on other servers never come along', () => {
  expect(only(entry('SUBSCRIPTION', 's'))).toMatchObject({ action: 'stub', sql: '' })
  expect(only(entry('USER MAPPING', 'USER MAPPING postgres SERVER s'))).toMatchObject({ action: 'stub', sql: '' })
})

test('extensions are real, stubbed or absent, and what needs an absent one is refused by its name', () => {
  const absent = entry('EXTENSION', 'postgis')
  const table = entry('TABLE', 'places', { dependencies: [absent.id] })
  const rows = entry('TABLE DATA', 'places', { dependencies: [table.id] })
  const { extensions, entries } = plan([
    entry('EXTENSION', 'citext'),
    entry('EXTENSION', 'pg_net'),
    absent,
    table,
    rows,
  ])
  expect(extensions).toEqual([
    { name: 'citext', mode: 'real' },
    { name: 'pg_net', mode: 'stub', note: 'requests are queued, none is ever sent' },
    { name: 'postgis', mode: 'absent', note: 'This server cannot create it.' },
  ])
  expect(entries.map(({ action }) => action)).toEqual(['restore', 'alter', 'refuse', 'refuse', 'refuse'])
  expect(entries[1]).toMatchObject({
    sql: 'CREATE EXTENSION pg_net;\n',
    reason: 'It is a stub here: requests are queued, none is ever sent.',
  })
  expect(entries[4]?.reason).toBe('It needs extension postgis, which this server cannot create.')
})

test('rows and sequences of an extension that is absent are refused by its name; of a table of the dump they are not', () => {
  const [vault, own] = [entry('EXTENSION', 'supabase_vault'), entry('TABLE', 'own', { schema: 'vault' })]
  const { entries } = plan([
    vault,
    own,
    entry('TABLE DATA', 'secrets', { schema: 'vault', dependencies: [vault.id + 1000] }),
    entry('SEQUENCE SET', 'secrets_id_seq', { schema: 'vault', dependencies: [vault.id + 1001] }),
    entry('TABLE DATA', 'own', { schema: 'vault', dependencies: [own.id] }),
    entry('TABLE DATA', 'job', { schema: 'cron', dependencies: [vault.id + 1002] }),
  ])
  expect(entries.map(({ action }) => action)).toEqual(['refuse', 'restore', 'refuse', 'refuse', 'restore', 'restore'])
  expect(entries[2]?.reason).toBe('It needs extension supabase_vault, which this server cannot create.')
})

test('an extension goes to the schema that it insists on', () => {
  const wanted = entry('EXTENSION', 'pg_cron', {
    definition: 'CREATE EXTENSION IF NOT EXISTS pg_cron WITH SCHEMA public;\n',
  })
  expect(only(wanted)).toMatchObject({
    action: 'alter',
    sql: 'CREATE EXTENSION IF NOT EXISTS pg_cron;\n',
    reason: expect.stringMatching(/^It is a stub here: .*\. Its version here can only be in schema pg_catalog/),
  })
  const same = entry('EXTENSION', 'pg_cron', {
    definition: 'CREATE EXTENSION IF NOT EXISTS pg_cron WITH SCHEMA pg_catalog;\n',
  })
  expect(only(same)?.sql).toBe(same.definition)
})

test('the comment of a stub stays', () => {
  const comment = (name: string) =>
    entry('COMMENT', `EXTENSION ${name}`, { section: 'none', definition: `COMMENT ON EXTENSION ${name} IS 'x';\n` })
  expect(only(entry('EXTENSION', 'pg_net'), comment('pg_net'))).toMatchObject({ action: 'stub' })
  expect(only(entry('EXTENSION', 'citext'), comment('citext'))).toMatchObject({ action: 'restore' })
  expect(only(entry('EXTENSION', 'uuid-ossp'), comment('"uuid-ossp"'))).toMatchObject({ action: 'refuse' })
})

test('what is said of the database is said of the copy, without libraries that are not here', () => {
  const definition = [
    'ALTER DATABASE postgres SET "app.settings.jwt_exp" TO \'3600\';',
    "ALTER ROLE authenticator IN DATABASE postgres SET session_preload_libraries TO 'safeupdate';",
    "ALTER ROLE anon IN DATABASE postgres SET statement_timeout TO '3s';",
    '',
  ].join('\n')
  expect(only(entry('DATABASE PROPERTIES', 'postgres', { definition }))).toMatchObject({
    action: 'alter',
    sql: `ALTER DATABASE "before" SET "app.settings.jwt_exp" TO '3600';\nALTER ROLE anon IN DATABASE "before" SET statement_timeout TO '3s';\n`,
  })
  const acl = entry('ACL', 'DATABASE postgres', {
    section: 'none',
    definition: 'GRANT CREATE ON DATABASE "post""gres" TO anon;\n',
  })
  expect(only(acl)?.sql).toContain('GRANT CREATE ON DATABASE "before" TO anon;')
})

test('the messages of realtime are given a default partition, unless they have one or need none', () => {
  const definition = 'CREATE TABLE realtime.messages (\n    at timestamp\n)\nPARTITION BY RANGE (at);\n'
  const messages = (more: string) => entry('TABLE', 'messages', { schema: 'realtime', definition: more })
  const attached = (bounds: string) =>
    entry('TABLE ATTACH', 'm1', {
      schema: 'realtime',
      definition: `ALTER TABLE ONLY realtime.messages ATTACH PARTITION realtime.m1 ${bounds};\n`,
    })
  const first = (...entries: TocEntry[]) => plan(entries).entries[0]
  expect(first(messages(definition), attached("FOR VALUES FROM ('2026-11-20') TO ('2026-11-21')"))).toMatchObject({
    action: 'alter',
    sql: expect.stringContaining(definition),
    reason: expect.stringContaining('default partition'),
  })
  expect(first(messages(definition), attached('DEFAULT'))).toMatchObject({ action: 'restore' })
  expect(first(messages('CREATE TABLE realtime.messages (\n    at timestamp\n);\n'))).toMatchObject({
    action: 'restore',
  })
  expect(first(entry('TABLE', 'messages', { schema: 'public', definition }))).toMatchObject({ action: 'restore' })
})

test('a schema that is there already is no failure', () => {
  const schema = entry('SCHEMA', 'net', {
    definition: 'CREATE SCHEMA net;\n',
    owner: 'supabase_admin',
    dropStatement: 'DROP SCHEMA net;\n',
  })
  expect(only(schema)?.sql).toBe('CREATE SCHEMA IF NOT EXISTS net;\n\nALTER SCHEMA "net" OWNER TO "supabase_admin";\n')
})

test('functions get their owner by their arguments', () => {
  const fn = entry('FUNCTION', 'f(text)', {
    schema: 'public',
    owner: 'postgres',
    dropStatement: 'DROP FUNCTION public.f(value text);\n',
  })
  expect(only(fn)?.sql).toContain('ALTER FUNCTION public.f(value text) OWNER TO "postgres";')
})

test('grants on many large objects are given on each', () => {
  const metadata = entry('BLOB METADATA', '5..7', { definition: '5\n6\n7\n', owner: 'postgres', section: 'data' })
  const acl = entry('ACL', 'LARGE OBJECTS 5..7', {
    definition: 'GRANT ALL ON LARGE OBJECT 5 TO anon;\n',
    dependencies: [metadata.id],
  })
  const { entries } = plan([metadata, acl])
  expect(entries[0]?.sql.match(/lo_create\('\d'\)/g)).toEqual(["lo_create('5')", "lo_create('6')", "lo_create('7')"])
  expect(entries[1]?.sql.match(/LARGE OBJECT \d/g)).toEqual(['LARGE OBJECT 5', 'LARGE OBJECT 6', 'LARGE OBJECT 7'])
})

test('roles that the server lacks are to be made', () => {
  expect(plan([], { roles: ['app_reader', 'postgres'] }).missingRoles).toEqual(['app_reader'])
})

test('another access method is told', () => {
  expect(only(entry('TABLE', 't', { tableAccessMethod: 'orioledb' }))).toMatchObject({ action: 'alter' })
})
