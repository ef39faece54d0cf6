import { describe, expect, test } from 'vitest'
import type { JoinedTest, SuiteRun, TestOutcome } from '../model/suite-run.ts'
import { decideMetrics } from './metrics.ts'
import { judgeSuites } from './suites.ts'

function joined(suite: string, outcome: TestOutcome, reason?: string): JoinedTest {
  const states = {
    regressed: ['passed', 'failed'],
    fixed: ['failed', 'passed'],
    same: ['passed', 'passed'],
    passes: ['not asked', 'passed'],
    fails: ['failed', 'failed'],
    'not configured': ['skipped', 'skipped'],
    'not run': ['passed', 'not run'],
  } as const
  const [before, after] = states[outcome]
  return {
    suite,
    file: `suites/${suite}/main.suite.ts`,
    name: 'main case',
    before,
    after,
    outcome,
    milliseconds: {},
    ...(reason && { reason }),
  }
}

function run(...tests: JoinedTest[]): SuiteRun {
  return { tests, files: tests.length, milliseconds: 1, errors: [] }
}

const checkOf = (result: ReturnType<typeof judgeSuites>, id: string) => result.checks.find((check) => check.id === id)

describe('the suites in the verdict', () => {
  test('a test of functions that passes on after, where before was not asked, is no less passed', () => {
    const { findings, checks } = judgeSuites(run(joined('notifications', 'passes'), joined('rls', 'same')))
    expect(findings).toEqual([])
    const said = Object.fromEntries(checks.map(({ id, status, summary }) => [id, `${status}: ${summary}`]))
    expect(said).toMatchObject({
      'features.suites': 'passed: 2 tests pass, 1 on both sides and 1 of functions on the migrated copy.',
      'features.tried': 'passed: 1 test passes on the migrated copy.',
      'suite:notifications': 'passed: 1 test passes on the migrated copy.',
    })
  })

  test('what tests remark is told with their suite', () => {
    const told = { ...joined('reminders', 'passes'), remark: 'The first run after the deploy sends 3 mails.' }
    const { checks } = judgeSuites(run(told, joined('reminders', 'passes')))
    expect(checks.find(({ id }) => id === 'suite:reminders')?.summary).toBe(
      '2 tests pass on the migrated copy. The first run after the deploy sends 3 mails.',
    )
  })

  test('a test that fails after is not said to pass before where it was not run to its end there', () => {
    const { findings } = judgeSuites(run({ ...joined('rls', 'regressed'), before: 'not run' }))
    expect(findings[0]?.finding.title).toBe(
      '"main case" fails after the migrations; before them it was not run to its end.',
    )
  })

  test('a regressed test blocks, and counts for the metric of its folder', () => {
    const result = judgeSuites(run(joined('rls', 'regressed'), joined('auth', 'same')))
    expect(result.findings).toMatchObject([
      { metric: 'access', finding: { kind: 'feature.regressed', object: 'rls: main case' } },
    ])
    expect(checkOf(result, 'features.suites')).toMatchObject({
      status: 'passed',
      summary: '1 test passes on both sides. Of other metrics 1 test failed; see there.',
    })
    expect(checkOf(result, 'suite:rls')).toMatchObject({ status: 'failed', metric: 'access' })
    expect(checkOf(result, 'suite:auth')).toMatchObject({
      status: 'passed',
      metric: 'logins',
      summary: '1 test passes on both sides.',
    })
  })

  test('a regressed feature is said under the features', () => {
    const result = judgeSuites(run(joined('reminders', 'regressed'), joined('auth', 'same')))
    expect(checkOf(result, 'features.suites')).toMatchObject({ status: 'failed', metric: 'features' })
  })

  test('a test that fails, which may be waived, does not hide what did not load or run', () => {
    const failing = run(joined('reminders', 'fails'), joined('rls', 'fails'), joined('rls', 'not run'))
    expect(checkOf(judgeSuites(failing), 'features.suites')).toMatchObject({ status: 'not run' })
    expect(checkOf(judgeSuites(failing), 'suite:rls')).toMatchObject({ status: 'not run', required: true })
    const broken = { ...run(joined('reminders', 'fails')), errors: ['mine.suite.ts: SyntaxError'] }
    expect(checkOf(judgeSuites(broken), 'features.suites')).toMatchObject({ status: 'not run', required: true })
  })

  test('failures alone, all of other metrics, are no sign that the features work', () => {
    expect(checkOf(judgeSuites(run(joined('auth', 'fails'))), 'features.suites')).toMatchObject({ status: 'not run' })
  })

  test('a test that fails on both sides and one that is fixed are told apart', () => {
    const result = judgeSuites(run(joined('dates', 'fails'), joined('dates', 'fixed')))
    expect(result.findings.map(({ finding }) => finding.kind)).toEqual(['feature.fails', 'feature.fixed'])
  })

  test('a test that passes on both sides, as one without its contract, is no finding', () => {
    const { findings } = judgeSuites(run(joined('dates', 'same'), joined('reminders', 'not configured')))
    expect(findings).toEqual([])
  })

  test('a test of mails that fails is a finding about mails, one that was mended is not', () => {
    const mails = (outcome: TestOutcome) =>
      ({ ...joined('rate-limiting', outcome), finding: 'mail.over-limit' }) as const
    const { findings } = judgeSuites(run(mails('regressed'), mails('fails'), mails('fixed')))
    expect(findings.map(({ finding }) => finding.kind)).toEqual(['mail.over-limit', 'mail.over-limit', 'feature.fixed'])
  })

  test('suites that were not run leave a required check open in every folder', () => {
    const result = judgeSuites(undefined)
    expect(result.checks).toHaveLength(12)
    expect(result.checks.every(({ status, required }) => status === 'not run' && required)).toBe(true)
  })

  test('tests of other metrics do not speak for the features of the app', () => {
    const idle = judgeSuites(run(joined('auth', 'same'), joined('reminders', 'not configured')))
    expect(checkOf(idle, 'features.suites')).toMatchObject({ status: 'passed' })
    expect(checkOf(idle, 'features.tried')).toMatchObject({
      status: 'not configured',
      required: false,
      reason: expect.stringContaining('access-codes, mail-configuration, notifications, rate-limiting, reminders'),
    })
    const [metric] = decideMetrics(idle.checks, []).filter(({ name }) => name === 'features')
    expect(metric?.summary).toMatch(/^The Data API offers .*was not tried, since the config has no contract/)
    const tried = judgeSuites(run(joined('auth', 'same'), joined('reminders', 'same')))
    expect(checkOf(tried, 'features.tried')).toMatchObject({
      status: 'passed',
      summary: '1 test passes on both sides.',
    })
  })

  test('what a suite lacks is named once', () => {
    const idle = judgeSuites(run(joined('reminders', 'not configured', 'not configured: contracts.reminders')))
    expect(checkOf(idle, 'suite:reminders')?.reason).toBe('the config lacks contracts.reminders')
  })

  test('a run without a single test does not pass', () => {
    expect(checkOf(judgeSuites(run()), 'features.suites')).toMatchObject({ status: 'not run' })
    expect(checkOf(judgeSuites(run(joined('auth', 'not configured'))), 'features.suites')).toMatchObject({
      status: 'not run',
    })
  })

  test('a suite file that does not load, or a test that ran on one side only, does not pass', () => {
    const broken = { ...run(joined('auth', 'same')), errors: ['suites/rls/a.suite.ts: SyntaxError'] }
    expect(checkOf(judgeSuites(broken), 'features.suites')).toMatchObject({ status: 'not run', required: true })
    const half = judgeSuites(run(joined('auth', 'not run')))
    expect(checkOf(half, 'suite:auth')).toMatchObject({ status: 'not run', required: true })
  })

  test('a suite without its contract blocks only when the config requires it', () => {
    const tests = run(
      joined('auth', 'same'),
      joined('reminders', 'not configured', 'not configured: contracts.reminders'),
    )
    expect(checkOf(judgeSuites(tests), 'suite:reminders')).toMatchObject({ status: 'not configured', required: false })
    expect(checkOf(judgeSuites(tests, ['reminders']), 'suite:reminders')).toMatchObject({
      status: 'not configured',
      required: true,
    })
  })

  test('a required suite of which a part is not configured is not configured', () => {
    const tests = run(joined('rls', 'same'), joined('rls', 'not configured'))
    expect(checkOf(judgeSuites(tests, ['rls']), 'suite:rls')).toMatchObject({
      status: 'not configured',
      required: true,
    })
    expect(checkOf(judgeSuites(tests), 'suite:rls')).toMatchObject({ status: 'passed' })
  })
})
