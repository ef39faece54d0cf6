import { describe, expect, test } from 'vitest'
import type { TestState } from '../model/suite-run.ts'
import { joinTests, type SideTest } from './join.ts'

const seen = (side: 'before' | 'after', state: TestState, more: Partial<SideTest> = {}): SideTest => ({
  side,
  file: 'suites/rls/members.suite.ts',
  name: 'a stranger sees nothing',
  state,
  observations: {},
  ...more,
})
const outcome = (...tests: SideTest[]) => joinTests(tests).map((test) => test.outcome)

describe('joining the results of both sides', () => {
  test.each([
    ['passed', 'passed', 'same'],
    ['passed', 'failed', 'regressed'],
    ['failed', 'passed', 'fixed'],
    ['failed', 'failed', 'fails'],
    ['skipped', 'failed', 'regressed'],
    ['not run', 'failed', 'regressed'],
    ['failed', 'not run', 'not run'],
    ['skipped', 'skipped', 'not run'],
    ['passed', 'not run', 'not run'],
  ] as const)('%s before and %s after is %s', (before, after, expected) => {
    expect(outcome(seen('before', before), seen('after', after))).toEqual([expected])
  })

  test('what a check of mails found after weighs more than what it found before', () => {
    const [late] = joinTests([
      seen('before', 'failed', { finding: 'mail.duplicate' }),
      seen('after', 'failed', { finding: 'mail.over-limit' }),
    ])
    expect(late?.finding).toBe('mail.over-limit')
    const [early] = joinTests([seen('before', 'failed', { finding: 'mail.duplicate' }), seen('after', 'passed')])
    expect(early?.finding).toBe('mail.duplicate')
    const [plain] = joinTests([seen('before', 'failed', { finding: 'mail.duplicate' }), seen('after', 'failed')])
    expect(plain?.finding).toBeUndefined()
  })

  test('what a test remarks is told as it was on after, else as on before', () => {
    const before = seen('before', 'passed', { remark: 'It sends 2 mails.' })
    expect(joinTests([before, seen('after', 'passed', { remark: 'It sends 3 mails.' })])[0]?.remark).toBe(
      'It sends 3 mails.',
    )
    expect(joinTests([before, seen('after', 'failed')])[0]?.remark).toBe('It sends 2 mails.')
  })

  test('a test that ran on one side only did not run', () => {
    expect(outcome(seen('before', 'passed'))).toEqual(['not run'])
    expect(outcome(seen('after', 'passed'))).toEqual(['not run'])
  })

  test('a file that was left out on before on purpose counts by what it does on after; another did not run', () => {
    const unasked = new Set(['suites/rls/members.suite.ts'])
    const alone = [seen('after', 'passed'), seen('after', 'passed', { file: 'suites/rls/other.suite.ts' })]
    expect(joinTests(alone, unasked)).toMatchObject([
      { before: 'not asked', after: 'passed', outcome: 'passes' },
      { before: 'not run', after: 'passed', outcome: 'not run' },
    ])
    expect(joinTests([seen('after', 'skipped')], unasked)).toMatchObject([{ outcome: 'not run' }])
    expect(joinTests([seen('after', 'failed')], unasked)).toMatchObject([{ outcome: 'regressed' }])
  })

  test('a missing contract is told apart from any other skip', () => {
    const reason = 'not configured: contracts.rateLimit'
    expect(outcome(seen('before', 'skipped', { reason }), seen('after', 'skipped', { reason }))).toEqual([
      'not configured',
    ])
  })

  test('an answer that differs between the sides is a regression and is named, an equal one is not', () => {
    const [joined] = joinTests([
      seen('before', 'passed', { observations: { 'events.starts_at': 'a', 'events.count': 'c' } }),
      seen('after', 'passed', { observations: { 'events.starts_at': 'b', 'events.count': 'c' } }),
    ])
    expect(joined).toMatchObject({ outcome: 'regressed', message: expect.stringContaining('events.starts_at') })
    expect(joined?.message).not.toContain('events.count')
    const same = { observations: { 'events.count': 'c' } }
    // Seen on one side only: its rows are gone or new, which is the ledger's to judge.
    const gone = { observations: { 'events.count': 'c', 'events.deleted': 'd' } }
    expect(outcome(seen('before', 'passed', gone), seen('after', 'passed', same))).toEqual(['same'])
    expect(outcome(seen('before', 'passed', same), seen('after', 'passed', same))).toEqual(['same'])
  })

  test('the folder of the file names the suite, and files are sorted', () => {
    const tests = joinTests([
      seen('after', 'passed', { file: 'suites/rls/b.suite.ts' }),
      seen('after', 'passed', { file: 'suites/auth/a.suite.ts' }),
    ])
    expect(tests.map(({ suite }) => suite)).toEqual(['auth', 'rls'])
  })
})
