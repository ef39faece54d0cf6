import pg from 'pg'
import { expect, test } from 'vitest'
import { failureText, throwIfFatal } from './outcome.ts'

function postgresError(code: string, message: string, where?: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 0, 'error'), { code, ...(where === undefined ? {} : { where }) })
}

test.each([
  ['53100', 'could not extend file "base/5/1": No space left on device', 'engine.disk-full'],
  ['57P01', 'terminating connection due to administrator command', 'database.failed'],
  ['53300', 'sorry, too many clients already', 'database.failed'],
])('%s ends the restore', (code, message, expected) => {
  expect(() => throwIfFatal(postgresError(code, message))).toThrow(expect.objectContaining({ code: expected }))
})

test('a lost connection ends the restore, a bug keeps its stack', () => {
  expect(() => throwIfFatal(new Error('Connection terminated unexpectedly'))).toThrow(
    expect.objectContaining({ code: 'database.failed' }),
  )
  const bug = new TypeError('x is not a function')
  expect(() => throwIfFatal(bug)).toThrow(bug)
})

test.each(['42P01', '23505', 'XX000', '0A000'])('%s is the failure of one entry', (code) => {
  expect(() => throwIfFatal(postgresError(code, 'x'))).not.toThrow()
})

test.each([
  [
    '22P02',
    'invalid input syntax for type uuid: "ada@example.org"',
    'COPY profiles, line 7, column id: "ada@example.org"',
    '22P02: invalid input syntax for type uuid (line 7, column id)',
  ],
  ['P0001', 'mail "ada@example.org" is taken', undefined, 'P0001: an error that a function of the dump raised'],
  [
    '23502',
    'null value in column "id" of relation "t" violates not-null constraint',
    'COPY t, line 2: "ada\t1"',
    '23502: null value in column "id" of relation "t" violates not-null constraint (line 2)',
  ],
  ['42P01', 'relation "x" does not exist', undefined, '42P01: relation "x" does not exist'],
])('%s is told without values of rows', (code, message, where, text) => {
  expect(failureText(postgresError(code, message, where))).toBe(text)
})
