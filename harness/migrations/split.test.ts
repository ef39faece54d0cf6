import { readdir, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { parse } from 'libpg-query'
import { describe, expect, it } from 'vitest'
import { scan } from './scan.ts'
import { splitSql } from './split.ts'
import { plainSql, transactionControl } from './statement-kind.ts'

const texts = (sql: string) => splitSql(sql).statements.map((statement) => statement.sql)

describe('splitting', () => {
  it.each([
    ["select ';'; select 2", ["select ';'", 'select 2']],
    ["select E'it\\'s; one'; select 2", ["select E'it\\'s; one'", 'select 2']],
    ["select 'c:\\'; select 2", ["select 'c:\\'", 'select 2']],
    ["select type'a''b;'; x", ["select type'a''b;'", 'x']],
    ['select "a;""b"; x', ['select "a;""b"', 'x']],
    ['do $$ begin; end $$; x', ['do $$ begin; end $$', 'x']],
    ['do $a$ $b$ ; $$ $a$; x', ['do $a$ $b$ ; $$ $a$', 'x']],
    ['select a$b$; select c$b$', ['select a$b$', 'select c$b$']],
    ['select $1; x', ['select $1', 'x']],
    ['select 1 -- no; end\n; x', ['select 1 -- no; end', 'x']],
    ['select 1 /* a /* ; */ ; */; x', ['select 1 /* a /* ; */ ; */', 'x']],
    ['create rule r as on insert to t do (a; b); x', ['create rule r as on insert to t do (a; b)', 'x']],
    [
      'create function f() returns int begin atomic select case when true then 1 end as end; select 2; end; x',
      ['create function f() returns int begin atomic select case when true then 1 end as end; select 2; end', 'x'],
    ],
    ['begin; select 1; end; x', ['begin', 'select 1', 'end', 'x']],
    [';; select 1;; -- the rest is a comment', ['select 1']],
    ['-- about it\nselect 1;', ['-- about it\nselect 1']],
    ['\ufeffselect 1;\r\nselect 2', ['select 1', 'select 2']],
  ])('splits %j', (sql, expected) => expect(texts(sql)).toEqual(expected))

  it('knows the place of each statement', () => {
    const [, second] = splitSql('select 1;\n\n  select 2').statements
    expect(second).toMatchObject({ line: 3, column: 3, offset: 13 })
  })

  it.each([
    ["select 'abc", 7, 'string'],
    ['select "abc', 7, 'quoted name'],
    ['do $x$ begin end $$', 3, '$x$'],
    ['select 1 /* /* */', 9, 'comment'],
    ['create table t (a int; select 1;', 15, 'parenthesis'],
    ['select 1;\n\\copy t from x', 10, '\\copy'],
    ["select 1; copy public.t (a) from stdin;\n1\tit's\n\\.\n", 10, 'COPY'],
  ])('refuses %j', (sql, offset, word) => {
    const { problem } = splitSql(sql)
    expect(problem?.offset).toBe(offset)
    expect(problem?.message).toContain(word)
  })

  it.each([
    ['create unique index concurrently i on t (a)', true],
    ['create index i on t (a)', false],
    ['-- why\nDROP INDEX /* x */ CONCURRENTLY i', true],
    ['reindex (verbose) table concurrently t', true],
    ['reindex table t', false],
    ['reindex schema public', true],
    ['vacuum analyze t', true],
    ['alter table t detach partition p concurrently', true],
    ['alter table t detach partition p', false],
    ['alter subscription s refresh publication', true],
    ['discard all', true],
    ["comment on table t is 'vacuum'", false],
  ])('%j alone: %j', (sql, alone) => expect(splitSql(sql).statements[0]?.standalone).toBe(alone))

  it.each([
    ['begin isolation level serializable', 'begin'],
    ['start transaction', 'begin'],
    ['end', 'commit'],
    ["prepare transaction 'x'", 'commit'],
    ['rollback', 'rollback'],
    ['rollback to savepoint s', undefined],
    ['savepoint s', undefined],
  ])('%j controls the transaction: %j', (sql, control) => expect(transactionControl(sql)).toBe(control))
})

describe('for any text', () => {
  const pieces = fc.constantFrom(
    ...[
      "'",
      "''",
      '"',
      '$$',
      '$a$',
      ';',
      '--',
      '\n',
      '/*',
      '*/',
      '(',
      ')',
      '\\',
      'E',
      'e',
      ' ',
      'select 1',
      '$1',
      'é',
      '😀',
    ],
    ...['create function f()', 'begin atomic', 'end', 'case'],
  )
  const text = fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(''))

  it('the tokens joined are the text that could be read', () => {
    fc.assert(
      fc.property(text, (sql) => {
        const { tokens, problem } = scan(sql)
        expect(tokens.map(({ start, end }) => sql.slice(start, end)).join('')).toBe(sql.slice(0, problem?.offset))
      }),
      { numRuns: 2000 },
    )
  })

  it('statements stand at their offsets, with white space, comments and semicolons between them', () => {
    fc.assert(
      fc.property(text, (sql) => {
        const { statements, problem } = splitSql(sql)
        if (problem) return
        let at = 0
        for (const statement of statements) {
          expect(sql.slice(statement.offset, statement.offset + statement.sql.length)).toBe(statement.sql)
          expect(sql.slice(at, statement.offset)).toMatch(/^[\s;\ufeff]*$|--|\/\*/)
          at = statement.offset + statement.sql.length
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('no statement ends inside of quotes: each reads by itself', () => {
    fc.assert(
      fc.property(text, (sql) => {
        const { statements, problem } = splitSql(sql)
        if (problem) return
        for (const statement of statements) expect(scan(statement.sql).problem).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })
})

it("agrees with Postgres' own parser on the fixture files", async () => {
  let compared = 0
  for (const folder of ['production', 'migrations', 'rollback']) {
    const directory = new URL(`../../fixtures/planner/${folder}/`, import.meta.url)
    for (const name of (await readdir(directory)).filter((file) => file.endsWith('.sql'))) {
      const sql = await readFile(new URL(name, directory), 'utf8')
      const bytes = Buffer.from(sql)
      const { stmts = [] } = await parse(sql)
      const parsed = stmts.map(({ stmt_location: from = 0, stmt_len: length = bytes.length - from }) =>
        bytes
          .subarray(from, from + length)
          .toString()
          .trim(),
      )
      // The parser's statements begin after the comments in front of them.
      expect(texts(sql).map(plainSql), name).toEqual(parsed.map(plainSql))
      compared += parsed.length
    }
  }
  expect(compared).toBeGreaterThan(50)
})
