import type { Check } from '../model/check.ts'
import type { Finding, MetricName } from '../model/finding.ts'
import type { JoinedTest, SuiteRun, TestOutcome } from '../model/suite-run.ts'
import type { AttributedFinding } from './judge.ts'

/** The folders of suites/ that come with Greenlight. */
export const builtInSuites = [
  'access-codes',
  'auth',
  'dates',
  'integrity',
  'mail-configuration',
  'notifications',
  'rate-limiting',
  'reminders',
  'rls',
  'roles-profiles',
] as const

/** The metric that the tests of a folder count for. */
function metricOfSuite(suite: string): MetricName {
  switch (suite) {
    case 'auth':
      return 'logins'
    case 'rls':
    case 'roles-profiles':
      return 'access'
    case 'dates':
    case 'integrity':
      return 'data'
    default:
      return 'features'
  }
}

export type JudgedSuites = { readonly findings: readonly AttributedFinding[]; readonly checks: readonly Check[] }

/**
 * The suites' results as findings, as one check `suite:<folder>` each and as the check `features.suites` over all.
 * `required` are the folders that the config's `require` names: one that is not configured leaves its metric unknown.
 */
export function judgeSuites(run: SuiteRun | undefined, required: readonly string[] = []): JudgedSuites {
  const tests = run?.tests ?? []
  const names = new Set([...builtInSuites, ...required, ...tests.map(({ suite }) => suite)])
  const folders = [...names].sort()
  return {
    findings: tests.flatMap((test) => findingOf(test) ?? []),
    checks: [
      allSuites(run),
      featuresTried(run, required),
      ...folders.map((suite) =>
        checkOf(suite, run && tests.filter((test) => test.suite === suite), required.includes(suite)),
      ),
    ],
  }
}

function findingOf(test: JoinedTest): AttributedFinding | undefined {
  const kinds = { regressed: 'feature.regressed', fails: 'feature.fails', fixed: 'feature.fixed' } as const
  if (test.outcome !== 'regressed' && test.outcome !== 'fails' && test.outcome !== 'fixed') return undefined
  const said = {
    regressed:
      test.before === 'passed'
        ? `"${test.name}" passes before the migrations and fails after them.`
        : `"${test.name}" fails after the migrations; before them it was not run to its end.`,
    fails: `"${test.name}" fails before the migrations and after them.`,
    fixed: `"${test.name}" fails before the migrations and passes after them.`,
  }
  const finding: Finding = {
    kind: (test.outcome !== 'fixed' && test.finding) || kinds[test.outcome],
    object: `${test.suite}: ${test.name}`,
    title: said[test.outcome],
    evidence: [
      ...(test.message === undefined || test.outcome === 'fixed' ? [] : [test.message]),
      `Before: ${test.before}. After: ${test.after}. Suite file: ${test.file}.`,
    ],
    ...(test.where && { where: test.where }),
  }
  return { finding, metric: metricOfSuite(test.suite) }
}

function allSuites(run: SuiteRun | undefined): Check {
  const check = {
    id: 'features.suites',
    metric: 'features',
    title: 'The suites ran',
    required: true,
  } as const
  if (!run) return { ...check, status: 'not run', reason: 'The suites were not run.' }
  const counts = countOutcomes(run.tests)
  const ran = passed(counts) + counts.regressed + counts.fails
  const numbers = {
    testsPassed: counts.same + counts.passes,
    testsFixed: counts.fixed,
    testsRegressed: counts.regressed,
    testsFailing: counts.fails,
    testsNotConfigured: counts['not configured'],
    testsNotRun: counts['not run'],
  }
  // That a file did not load weighs more here than a test that failed: the test has a finding of its own.
  if (run.errors.length > 0) {
    return {
      ...check,
      status: 'not run',
      reason: `Not every suite or part of a stack could run: ${run.errors[0]}`,
      numbers,
    }
  }
  if (counts['not run'] > 0) {
    return { ...check, status: 'not run', reason: `${tests(counts['not run'])} did not run on both sides.`, numbers }
  }
  if (ran === 0) return { ...check, status: 'not run', reason: 'No test of any suite ran.', numbers }
  const failing = run.tests.filter(({ outcome }) => outcome === 'regressed' || outcome === 'fails')
  const elsewhere = failing.filter(({ suite }) => metricOfSuite(suite) !== 'features')
  if (failing.length > elsewhere.length) return { ...check, status: 'failed', summary: sayCounts(counts), numbers }
  if (passed(counts) === 0) return { ...check, status: 'not run', reason: 'No test passed.', numbers }
  const others = elsewhere.length === 0 ? '' : ` Of other metrics ${tests(elsewhere.length)} failed; see there.`
  return {
    ...check,
    status: 'passed',
    summary: `${sayCounts({ ...counts, regressed: 0, fails: 0 })}${others}`,
    numbers,
  }
}

/** Whether anything of what the app does for its users was tried at all: the suites of the other metrics do not say. */
function featuresTried(run: SuiteRun | undefined, required: readonly string[]): Check {
  const check = {
    id: 'features.tried',
    metric: 'features',
    title: 'Features of the app tried',
    required: false,
  } as const
  if (!run) return { ...check, required: true, status: 'not run', reason: 'The suites were not run.' }
  const own = run.tests.filter(({ suite }) => metricOfSuite(suite) === 'features')
  const counts = countOutcomes(own)
  const ran = own.filter(({ outcome }) => outcome !== 'not configured' && outcome !== 'not run')
  const idle = [...new Set([...builtInSuites, ...required].filter((suite) => metricOfSuite(suite) === 'features'))]
    .filter((suite) => !ran.some((test) => test.suite === suite))
    .sort()
  const numbers = { featureTestsRun: ran.length, featureSuitesIdle: idle.length }
  if (ran.length === 0) {
    const reason = `the config has no contract for them (${idle.join(', ')}); greenlight init proposes one from the dump`
    return { ...check, status: 'not configured', reason, numbers }
  }
  if (counts.regressed + counts.fails > 0) return { ...check, status: 'failed', summary: sayCounts(counts), numbers }
  return { ...check, status: 'passed', summary: sayCounts(counts), numbers }
}

function checkOf(suite: string, own: readonly JoinedTest[] | undefined, isRequired: boolean): Check {
  const check = { id: `suite:${suite}`, metric: metricOfSuite(suite), title: `Suite ${suite}` }
  if (!own) return { ...check, required: true, status: 'not run', reason: 'The suites were not run.' }
  if (own.length === 0) {
    return { ...check, required: isRequired, status: 'not run', reason: `No test of suite ${suite} was found.` }
  }
  const counts = countOutcomes(own)
  const numbers = {
    testsPassed: counts.same + counts.passes,
    testsFixed: counts.fixed,
    testsRegressed: counts.regressed,
    testsFailing: counts.fails,
  }
  if (counts['not run'] > 0) {
    const reason = own.find((test) => test.outcome === 'not run')?.reason
    const said = reason ? `: ${reason}` : ' on both sides.'
    return {
      ...check,
      required: true,
      status: 'not run',
      reason: `${tests(counts['not run'])} did not run${said}`,
      numbers,
    }
  }
  if (counts.regressed + counts.fails > 0) {
    return { ...check, required: true, status: 'failed', summary: sayCounts(counts), numbers }
  }
  const missing = sayMissing(own.find((test) => test.outcome === 'not configured')?.reason)
  const isIdle = passed(counts) === 0
  if (isIdle || (isRequired && counts['not configured'] > 0)) {
    return { ...check, required: isRequired, status: 'not configured', reason: missing, numbers }
  }
  const remarks = own.flatMap(({ remark }) => remark ?? [])
  return { ...check, required: true, status: 'passed', summary: [sayCounts(counts), ...remarks].join(' '), numbers }
}

/** "the config lacks contracts.profile", of the reason by which a test was skipped. */
function sayMissing(reason: string | undefined): string {
  const what = reason?.replace(/^not configured:? */, '') ?? ''
  if (what === '') return 'its contract is missing in the config'
  return /^[\w.]+(, [\w.]+)*$/.test(what) ? `the config lacks ${what}` : what
}

type Counts = Readonly<Record<TestOutcome, number>>

function countOutcomes(own: readonly JoinedTest[]): Counts {
  const counts = { regressed: 0, fixed: 0, same: 0, passes: 0, fails: 0, 'not configured': 0, 'not run': 0 }
  for (const { outcome } of own) counts[outcome] += 1
  return counts
}

/** How many do what they should on after. */
function passed(counts: Counts): number {
  return counts.same + counts.passes + counts.fixed
}

/** "12 tests pass on both sides, 5 on the migrated copy, 2 are fixed by the migrations, 1 regressed." */
function sayCounts(counts: Counts): string {
  const all = counts.same + counts.passes
  const pass = `${tests(all)} ${all === 1 ? 'passes' : 'pass'}`
  const parts = [
    counts.passes === 0
      ? `${pass} on both sides`
      : counts.same === 0
        ? `${pass} on the migrated copy`
        : `${pass}, ${counts.same} on both sides and ${counts.passes} of functions on the migrated copy`,
    counts.fixed > 0 ? `${counts.fixed} ${counts.fixed === 1 ? 'is' : 'are'} fixed by the migrations` : '',
    counts.regressed > 0 ? `${counts.regressed} regressed` : '',
    counts.fails > 0 ? `${counts.fails} ${counts.fails === 1 ? 'fails' : 'fail'} on both sides` : '',
    counts['not configured'] > 0 ? `${counts['not configured']} not configured` : '',
    counts['not run'] > 0 ? `${counts['not run']} not run` : '',
  ]
  return `${parts.filter(Boolean).join(', ')}.`
}

function tests(count: number): string {
  return count === 1 ? '1 test' : `${count} tests`
}
