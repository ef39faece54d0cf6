import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { TocEntry } from '../dump.ts'
import { readDump } from '../read-dump.ts'
import { testEntry } from '../test-entry.ts'
import { refuseForeignStatements } from './statements.ts'

const entry = (type: string, more: Partial<TocEntry>) => testEntry({ id: 7, type, ...more })
const look = (...entries: readonly TocEntry[]) => refuseForeignStatements(entries, 'x.dump')
const table = 'CREATE TABLE public.n (a text);\n'

test.each([
  ['a program', entry('TABLE', { definition: `${table}COPY public.n FROM PROGRAM 'x';\n` }), 'runs a program'],
  ['a program behind a comment', entry('TABLE', { definition: `${table}/* ; */ CoPy n TO PROGRAM 'x';\n` }), 'runs a'],
  ['a file', entry('COMMENT', { definition: "COPY public.n FROM '/etc/passwd'" }), 'a file of the server'],
  ['a DO block', entry('TABLE', { definition: `${table}DO $$ begin end $$;\n` }), 'DO'],
  ['a call', entry('ACL', { definition: 'CALL public.n();\n' }), 'CALL'],
  [
    'a setting of the server',
    entry('TABLE', { definition: "ALTER /**/ SYSTEM SET archive_command = 'x';\n" }),
    'ALTER',
  ],
  ['a look into a file', entry('SEQUENCE SET', { definition: "SELECT pg_read_file('x');\n" }), 'SELECT'],
  ['C', entry('FUNCTION', { definition: "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system';\n" }), '(c)'],
  [
    'Python',
    entry('FUNCTION', { definition: 'CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ $$;\n' }),
    'plpython3u',
  ],
  ['its extension', entry('EXTENSION', { definition: 'CREATE EXTENSION plpython3u;\n' }), 'plpython3u'],
  ['quotes that stay open', entry('TABLE', { definition: `${table}COMMENT ON TABLE n IS 'copy\n` }), 'does not end'],
  ['a command of psql', entry('TABLE', { definition: `${table}\\copy n from program 'x'\n` }), 'psql'],
  [
    'in its DROP',
    entry('FUNCTION', { dropStatement: "DROP FUNCTION f(); COPY n FROM PROGRAM 'x';\n" }),
    'runs a program',
  ],
  [
    'in front of its rows',
    entry('TABLE DATA', { copyStatement: "COPY n FROM PROGRAM 'x'; COPY n (a) FROM stdin;\n" }),
    'another COPY',
  ],
  [
    'with a condition that looks like rows',
    entry('TABLE DATA', { copyStatement: "COPY n FROM PROGRAM 'x' WHERE a IS DISTINCT FROM stdin;\n" }),
    'another COPY',
  ],
])('an archive with %s is refused, by the entry that holds it', (_, holding, what) => {
  const refusal = expect.objectContaining({
    code: 'dump.not-supported',
    message: expect.stringMatching(/^x\.dump holds .*, in entry 7 \(/),
  })
  expect(() => look(entry('TABLE', { definition: table }), holding)).toThrow(refusal)
  expect(() => look(holding)).toThrow(what)
})

test.each([
  entry('FUNCTION', {
    definition: "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ select 'language c; copy t' $$;\n",
  }),
  entry('TABLE', { definition: `CREATE TABLE n ("copy" text DEFAULT 'do; call f()');\n` }),
  entry('OPERATOR FAMILY', { definition: 'CREATE OPERATOR FAMILY public."do" USING btree;\n' }),
  entry('EXTENSION', { definition: 'CREATE EXTENSION IF NOT EXISTS pg_net WITH SCHEMA extensions;\n' }),
  entry('BLOB', { definition: "SELECT pg_catalog.lo_create('17');\n" }),
  entry('SEQUENCE SET', { definition: "SELECT pg_catalog.setval('public.do_id_seq', 7, true);\n" }),
  entry('BLOB METADATA', { definition: '5\n6\n' }),
  entry('TABLE DATA', { copyStatement: 'COPY public."copy; from program" ("stdin", a) FROM stdin;\n' }),
])('$type that only looks like it is taken', (harmless) => {
  expect(() => look(harmless)).not.toThrow()
})

test.each(['dumps/odd.dump', 'dumps/forms/archive.dump', 'planner/production.dump'])('%s is read', async (name) => {
  await using dump = await readDump(fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url)))
  expect(dump.entries.length).toBeGreaterThan(50)
})
