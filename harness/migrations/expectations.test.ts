import { describe, expect, it } from 'vitest'
import type { MigrationFile } from '../model/migration-run.ts'
import { parseExpectation, readExpectations } from './expectations.ts'
import { checkPredicate } from './predicate-syntax.ts'

const file = (sql: string): MigrationFile => ({
  name: '201_a.sql',
  path: 'm/201_a.sql',
  version: '201',
  sql,
  sha256: '',
  statements: [],
})

describe('an expectation', () => {
  it.each([
    [
      'expects data.values-changed public.profiles(timezone) because missing ones are filled in',
      {
        kind: 'data.values-changed',
        object: 'public.profiles',
        column: 'timezone',
        reason: 'missing ones are filled in',
      },
    ],
    [
      'expects access.rows-gained public.profiles to authenticated because they see each other',
      { kind: 'access.rows-gained', object: 'public.profiles', role: 'authenticated', reason: 'they see each other' },
    ],
    [
      "expects data.rows-deleted public.tasks where title <> 'gone because' and event_id not in (select id from public.events) because 206 keeps them",
      {
        kind: 'data.rows-deleted',
        object: 'public.tasks',
        predicate: "title <> 'gone because' and event_id not in (select id from public.events)",
        reason: '206 keeps them',
      },
    ],
    [
      'expects data.column-lost public."Odd Table"("Odd Column") because it is empty',
      { kind: 'data.column-lost', object: 'public."Odd Table"', column: 'Odd Column', reason: 'it is empty' },
    ],
    [
      'expects schema.object-dropped public.f(text) because it is made again',
      { kind: 'schema.object-dropped', object: 'public.f(text)', reason: 'it is made again' },
    ],
    [
      'expects migration.not-atomic 201_a.sql because of the index',
      { kind: 'migration.not-atomic', object: '201_a.sql', reason: 'of the index' },
    ],
  ])('reads %j', (text, expected) => expect(parseExpectation(text)).toEqual(expected))

  it.each([
    ['expects data.row-deleted public.t because x', 'did you mean "data.rows-deleted"'],
    ['expect data.rows-deleted public.t because x', 'did you mean "expects"'],
    ['expects data.rows-deleted public.t', 'gives no reason'],
    ['expects data.rows-deleted public.t because', 'is empty'],
    ['expects data.rows-deleted because x', 'names no object'],
    ['expects data.rows-deleted public.t public.u because x', 'names no object'],
    ['expects data.rows-deleted public.t where because x', 'no predicate'],
    ['expects data.values-changed public.t() because x', 'no column'],
  ])('refuses %j', (text, problem) =>
    expect(parseExpectation(text)).toEqual({ problem: expect.stringContaining(problem) }),
  )
})

describe('reading them from files', () => {
  it('takes comments only, with their lines', async () => {
    const sql = `-- greenlight: expects data.rows-deleted public.t because a
select '-- greenlight: expects nonsense';
-- Greenlight rehearses this file.
do $$ begin /* greenlight: no */ -- greenlight: expects nonsense
end $$;
  --GREENLIGHT: expects data.rows-deleted public.u because b`
    expect(await readExpectations([file(sql)])).toMatchObject([
      { object: 'public.t', migration: '201_a.sql', line: 1 },
      { object: 'public.u', migration: '201_a.sql', line: 6 },
    ])
  })

  it('refuses all that cannot be read at once, with their places', async () => {
    const sql = `-- greenlight: expects data.row-deleted public.t because a
-- greenlight expects data.rows-deleted public.t
-- greenlight: expects data.rows-deleted public.t where true; drop table t because b`
    await expect(readExpectations([file(sql)])).rejects.toMatchObject({
      code: 'migrations.unparsable',
      message: expect.stringMatching(/^3 expectations.*\nm\/201_a\.sql:1: .*\nm\/201_a\.sql:2: .*\nm\/201_a\.sql:3: /),
    })
  })
})

describe('a predicate', () => {
  it.each([
    'event_id is null',
    "a = 1 and b in ('x', 'y') -- with a comment",
    'event_id not in (select id from public.events)',
    'a = any (array[1, 2])',
    "created_at < now() - interval '1 day' or not done",
  ])('may be %j', async (predicate) => expect(await checkPredicate(predicate)).toBeUndefined())

  it.each([
    'true; drop table t',
    'true) or (true',
    'true union select 1',
    'true for update',
    'true limit 1',
    'true group by 1',
    'true)) from pg_authid --',
    '',
    'a =',
  ])('may not be %j', async (predicate) => expect(await checkPredicate(predicate)).toBeTypeOf('string'))
})
