import { expect, test } from 'vitest'
import type { TocEntry } from '../dump.ts'
import { testEntry } from '../test-entry.ts'
import { unsetSettings } from './unset-settings.ts'

const entry = (type: string, definition: string, more: Partial<TocEntry> = {}) =>
  testEntry({ type, definition, ...more })
const told = (...entries: readonly TocEntry[]) => unsetSettings(entries, 'postgres')
const reader = entry(
  'FUNCTION',
  "CREATE FUNCTION public.sign() RETURNS text LANGUAGE sql AS $$ select current_setting('app.settings.jwt_secret', true) $$;",
  { name: 'sign()' },
)

test('a setting that is read and set nowhere is told, with who reads it', () => {
  const policy = entry('POLICY', "CREATE POLICY p ON public.t USING ((a = current_setting('app.tenant'::text)));", {
    name: 't p',
  })
  expect(told(reader, policy)).toEqual([
    {
      object: 'settings of the database',
      title: expect.stringContaining('set nowhere in the dump: app.settings.jwt_secret, app.tenant.'),
      evidence: [
        expect.stringContaining('--create'),
        'app.settings.jwt_secret is read by public.sign().',
        'app.tenant is read by public.t p.',
      ],
    },
  ])
})

test.each([
  [
    'settings of the database',
    entry('DATABASE PROPERTIES', "ALTER DATABASE postgres SET x.y TO '1';", { name: 'postgres' }),
  ],
  [
    'a dump with --create, of a database without any',
    entry('DATABASE', 'CREATE DATABASE postgres;', { name: 'postgres' }),
  ],
  ['a role', entry('ROLE SETTINGS', `ALTER ROLE a SET "app.settings.jwt_secret" TO 'x';`)],
  [
    'a function for itself',
    entry('FUNCTION', "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET app.settings.jwt_secret TO 'x' AS $$ $$;"),
  ],
  [
    'the session',
    entry(
      'FUNCTION',
      "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ select set_config('app.settings.jwt_secret', 'x', true) $$;",
    ),
  ],
])('set by %s, it is not', (_, setter) => {
  expect(told(reader, setter)).toEqual([])
})

test.each([
  ['another database', entry('DATABASE', 'CREATE DATABASE other;', { name: 'other' })],
  [
    'a role for this database',
    entry('DATABASE PROPERTIES', "ALTER ROLE a IN DATABASE postgres SET b.c TO '1';", { name: 'postgres' }),
  ],
  ['a setting with a longer name', entry('ROLE SETTINGS', `ALTER ROLE a SET "app.settings.jwt_secret_old" TO 'x';`)],
])('%s sets nothing of it', (_, other) => {
  expect(told(reader, other)).toHaveLength(1)
})

test('what the Data API sets, what Postgres has and what the platform reads is no matter of the dump', () => {
  const read = (name: string, schema = 'public') => entry('FUNCTION', `… current_setting('${name}') …`, { schema })
  expect(told(read('request.jwt.claims'), read('search_path'), read('storage.version', 'storage'))).toEqual([])
})
