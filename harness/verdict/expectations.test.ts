import { describe, expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import type { Expectation } from '../model/verdict.ts'
import { expectationLine, expectationsFor, unmatchedExpectation } from './expectations.ts'

const finding: Finding = {
  kind: 'data.values-changed',
  object: 'public.profiles',
  columns: ['timezone'],
  title: '12 values of public.profiles.timezone changed.',
  evidence: [],
  migration: '203_profiles.sql',
}
const expectation: Expectation = {
  kind: 'data.values-changed',
  object: 'public.profiles',
  column: 'timezone',
  reason: 'missing time zones are filled in',
  migration: '203_profiles.sql',
  line: 3,
}
const gained: Finding = {
  kind: 'access.rows-gained',
  object: 'public.profiles',
  role: 'authenticated',
  title: 'More rows.',
  evidence: [],
}
const deleted: Finding = { kind: 'data.rows-deleted', object: 'public.tasks', title: '31 rows are gone.', evidence: [] }

function covers(found: Finding, ...declared: Expectation[]): boolean {
  return expectationsFor(found, declared, []).length > 0
}

describe('an expectation', () => {
  test('covers its kind on its object and column, from its migration', () => {
    expect(covers(finding, expectation)).toBe(true)
  })

  test.each<[string, Partial<Expectation>]>([
    ['another kind', { kind: 'data.column-lost' }],
    ['another object', { object: 'public.profile' }],
    ['another column', { column: 'email' }],
    ['another migration', { migration: '204_policies.sql' }],
    ['a role that the finding does not have', { role: 'anon' }],
    ['a predicate that nobody has proven', { predicate: 'timezone is null' }],
  ])('does not cover %s', (_, other) => {
    expect(covers(finding, { ...expectation, ...other })).toBe(false)
  })

  test('covers a finding whose migration is not known', () => {
    const { migration: _, ...anywhere } = finding
    expect(covers(anywhere, expectation)).toBe(true)
  })

  test('on the table alone does not cover a change of a column', () => {
    const { column: _, ...table } = expectation
    expect(covers(finding, table)).toBe(false)
  })

  test('of one column does not cover a change of two; one for each does', () => {
    const both = { ...finding, columns: ['email', 'timezone'] }
    expect(covers(both, expectation)).toBe(false)
    expect(covers(both, expectation, { ...expectation, column: 'email', line: 4 })).toBe(true)
  })

  test('without a role does not cover what anyone in particular gained, and the wrong role covers nothing', () => {
    const { column: _, ...base } = expectation
    const declared: Expectation = { ...base, kind: 'access.rows-gained' }
    expect(covers(gained, declared)).toBe(false)
    expect(covers(gained, { ...declared, role: 'anon' })).toBe(false)
    expect(covers(gained, { ...declared, role: 'authenticated' })).toBe(true)
  })

  test('with a predicate covers only when it was proven for this very finding', () => {
    const { column: _, ...base } = expectation
    const declared: Expectation = {
      ...base,
      kind: 'data.rows-deleted',
      object: 'public.tasks',
      predicate: 'event_id is null',
    }
    const proof = { expectation: declared, finding: deleted, holds: true }
    expect(expectationsFor(deleted, [declared], [])).toEqual([])
    expect(expectationsFor(deleted, [declared], [{ ...proof, holds: false }])).toEqual([])
    expect(expectationsFor(deleted, [declared], [{ ...proof, finding: { ...deleted, title: '2 rows.' } }])).toEqual([])
    expect(expectationsFor(deleted, [declared], [{ ...proof, expectation: { ...declared, line: 9 } }])).toEqual([])
    expect(expectationsFor(deleted, [declared], [proof])).toEqual([declared])
    expect(expectationsFor(deleted, [declared], [proof, { ...proof, holds: false }])).toEqual([])
  })

  test('cannot mean a kind that nobody means, such as a login that fails', () => {
    const fails: Finding = { kind: 'auth.login-fails', object: 'auth.users', title: 'It fails.', evidence: [] }
    expect(
      covers(fails, {
        kind: 'auth.login-fails',
        object: 'auth.users',
        reason: 'so be it',
        migration: 'm.sql',
        line: 1,
      }),
    ).toBe(false)
  })
})

describe('the line to paste', () => {
  test('names column and role, one line for each column', () => {
    expect(expectationLine({ ...finding, columns: ['email', 'timezone'] })).toBe(
      '-- greenlight: expects data.values-changed public.profiles(email) because …\n' +
        '-- greenlight: expects data.values-changed public.profiles(timezone) because …',
    )
    expect(expectationLine(gained)).toBe(
      '-- greenlight: expects access.rows-gained public.profiles to authenticated because …',
    )
    expect(expectationLine(deleted)).toBe('-- greenlight: expects data.rows-deleted public.tasks because …')
  })

  test('is not offered for what cannot be meant or cannot be written', () => {
    expect(expectationLine({ ...deleted, kind: 'data.corrupt' })).toBeUndefined()
    expect(expectationLine({ ...deleted, object: 'public.a b' })).toBeUndefined()
  })
})

describe('an expectation that nothing matched', () => {
  const why = (declared: Expectation, found: readonly Finding[]) =>
    unmatchedExpectation(declared, found, []).evidence[0]

  test('says what comes near', () => {
    expect(why({ ...expectation, column: 'email' }, [finding])).toContain(
      'with other facts: column timezone, 203_profiles.sql',
    )
    expect(why(expectation, [])).toBe('There is no finding data.values-changed on public.profiles.')
    expect(why({ ...expectation, kind: 'migration.failed' }, [])).toContain('cannot be declared')
  })

  test('stands at its line in the migration', () => {
    const found = unmatchedExpectation(expectation, [], [])
    expect(found).toMatchObject({ kind: 'expectation.unmatched', where: { file: '203_profiles.sql', line: 3 } })
  })
})
