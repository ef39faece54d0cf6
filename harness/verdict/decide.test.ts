import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Check } from '../model/check.ts'
import { type Finding, findingKinds, metricNames } from '../model/finding.ts'
import type { SuiteRun } from '../model/suite-run.ts'
import type { Expectation } from '../model/verdict.ts'
import { type DecideInput, decide } from './decide.ts'
import { builtInSuites } from './suites.ts'

const suites: SuiteRun = {
  tests: builtInSuites.map((suite) => ({
    suite,
    file: `suites/${suite}/main.suite.ts`,
    name: 'main case',
    before: 'passed',
    after: 'passed',
    outcome: 'same',
    milliseconds: {},
  })),
  files: builtInSuites.length,
  milliseconds: 1,
  errors: [],
}
const check = (id: string, metric: Check['metric'], rest: Partial<Check> = {}): Check => ({
  id,
  metric,
  title: id,
  status: 'passed',
  required: true,
  ...rest,
})
const clean: DecideInput = {
  findings: [],
  checks: [
    check('data.ledger', 'data', {
      summary: '30,412 rows of 11 tables are the same.',
      numbers: { rowsCompared: 30412 },
    }),
    check('performance.queries', 'performance'),
    check('access.row-sets', 'access'),
    check('migrations.applied', 'data'),
  ],
  stages: [{ name: 'restore', status: 'done' }],
  suites,
  migrations: [{ name: '201_tasks.sql', status: 'applied', sql: 'delete from public.tasks;' }],
  functions: ['send-notification-email'],
  expectations: [],
  proofs: [],
  waivers: [],
  today: '2026-11-22',
}
const lost: Finding = {
  kind: 'data.rows-deleted',
  object: 'public.tasks',
  title: '31 rows of public.tasks are gone.',
  evidence: [],
  migration: '201_tasks.sql',
}
const declared: Expectation = {
  kind: 'data.rows-deleted',
  object: 'public.tasks',
  reason: 'archived',
  migration: '201_tasks.sql',
  line: 1,
}
const waiver = {
  kind: 'data.rows-deleted',
  object: 'public.tasks',
  owner: 'Data team',
  reason: 'archived',
  until: '2026-12-31',
} as const

describe('the verdict', () => {
  test('is go when every metric is met', () => {
    const { verdict, metrics, reason } = decide(clean)
    expect(verdict).toBe('go')
    expect(reason).toBe('No harm was found: all five success metrics are met on 16 checks.')
    expect(metrics.map(({ name, status }) => [name, status])).toEqual(metricNames.map((name) => [name, 'met']))
    expect(metrics[3]).toMatchObject({
      summary: 'Nothing is lost or altered but what was declared: 30,412 rows of 11 tables are the same.',
      numbers: { rowsCompared: 30412 },
    })
  })

  test('says in one sentence whose access was compared, and leaves out what was not looked at', () => {
    const sampled = check('access.row-sets', 'access', {
      numbers: { users: 211, tables: 18, policies: 19, policiesExercised: 17 },
    })
    const everyone = check('access.everyone', 'access', {
      required: false,
      numbers: { usersAll: 2_000, tablesExhaustive: 13, tablesSampled: 1 },
    })
    const writes = check('access.writes', 'access', { numbers: { writesTried: 1 } })
    const said = (...checks: Check[]) =>
      decide({ ...clean, checks: [...clean.checks.filter(({ metric }) => metric !== 'access'), ...checks] }).metrics[1]
        ?.summary
    const met = 'Everyone reaches what they reached before, and only what is meant'
    const asked =
      '211 sampled users asked one by one at 18 tables and views, 17 of 19 policies seen to let somebody through and to refuse somebody'
    expect(said(everyone, sampled, writes)).toBe(
      `${met}: all 2,000 users compared at 13 of 14 tables and views, ${asked}, 1 write tried for real.`,
    )
    expect(said({ ...everyone, status: 'not run' }, sampled)).toBe(`${met}: ${asked}.`)
    const nobody = { ...sampled, numbers: { users: 0, tables: 1, policies: 0 } }
    expect(said(nobody)).toBe(`${met}: only anon and service_role asked one by one at 1 table or view.`)
  })

  test('is no-go with one blocking finding, with the line to paste', () => {
    const { verdict, reason, findings, metrics } = decide({ ...clean, findings: [lost] })
    expect(verdict).toBe('no-go')
    expect(reason).toBe('One finding blocks the deploy: 31 rows of public.tasks are gone.')
    expect(findings[0]).toMatchObject({
      blocking: true,
      expectationLine: '-- greenlight: expects data.rows-deleted public.tasks because …',
    })
    expect(metrics[3]?.status).toBe('not met')
  })

  test('is go when the finding is declared, or waived for the time being', () => {
    const byExpectation = decide({ ...clean, findings: [lost], expectations: [declared] })
    expect(byExpectation).toMatchObject({ verdict: 'go', expectations: [{ matched: 1 }] })
    expect(byExpectation.findings[0]).toMatchObject({ blocking: false, coveredBy: { type: 'expectation', line: 1 } })
    const byWaiver = decide({ ...clean, findings: [lost], waivers: [waiver] })
    expect(byWaiver).toMatchObject({ verdict: 'go', waivers: [{ state: 'used' }] })
    expect(byWaiver.findings[0]).toMatchObject({ blocking: false, coveredBy: { type: 'waiver', owner: 'Data team' } })
  })

  test('is no-go when a waiver expired, even when what it covered is gone', () => {
    const expired = { ...waiver, until: '2026-11-21' }
    expect(decide({ ...clean, waivers: [expired] })).toMatchObject({
      verdict: 'no-go',
      waivers: [{ state: 'expired' }],
    })
    expect(decide({ ...clean, findings: [lost], waivers: [expired] }).findings).toHaveLength(2)
  })

  test('is go with warnings: a declaration and a waiver that matched nothing are said', () => {
    const { verdict, findings } = decide({ ...clean, expectations: [declared], waivers: [waiver] })
    expect(verdict).toBe('go')
    expect(findings.map(({ kind }) => kind)).toEqual(['expectation.unmatched', 'waiver.unmatched'])
  })

  test('does not call an expectation unmatched when its migration was not applied or a stage failed', () => {
    const notRun = {
      ...clean,
      expectations: [declared],
      migrations: [{ name: '201_tasks.sql', status: 'not run', sql: '' } as const],
    }
    expect(decide(notRun).findings).toEqual([])
    const crashed = { ...clean, expectations: [declared], stages: [{ name: 'snapshot', status: 'failed' } as const] }
    expect(decide(crashed).findings).toEqual([])
  })

  test('is inconclusive when nothing was looked at', () => {
    const { verdict, metrics } = decide({ ...clean, checks: [], suites: undefined })
    expect(verdict).toBe('inconclusive')
    expect(metrics.every(({ status }) => status === 'unknown')).toBe(true)
  })

  test.each(metricNames)('is inconclusive when a required check of %s did not run', (metric) => {
    const open = check(`${metric}.extra`, metric, { status: 'not run', reason: 'The server stopped.' })
    const { verdict, reason, metrics } = decide({ ...clean, checks: [...clean.checks, open] })
    expect(verdict).toBe('inconclusive')
    expect(reason).toContain(`${metric} (the check "${metric}.extra" did not run: The server stopped)`)
    expect(metrics.filter(({ status }) => status === 'unknown').map(({ name }) => name)).toEqual([metric])
    expect(decide({ ...clean, checks: [...clean.checks, { ...open, required: false }] }).verdict).toBe('go')
  })

  test('is inconclusive when a stage failed, and no-go when harm was found besides', () => {
    const stages = [{ name: 'rollback', status: 'failed', reason: 'It timed out.' }] as const
    expect(decide({ ...clean, stages })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'No verdict could be reached: the stage "rollback" failed (It timed out).',
    })
    const both = decide({ ...clean, stages, findings: [lost] })
    expect(both.verdict).toBe('no-go')
    expect(both.reason).toContain('Besides, not everything could be looked at: the stage "rollback" failed')
  })

  test('is inconclusive when a check failed and no finding says how', () => {
    const checks = [...clean.checks, check('data.corrupt', 'data', { status: 'failed' })]
    expect(decide({ ...clean, checks })).toMatchObject({ verdict: 'inconclusive' })
    expect(decide({ ...clean, checks, findings: [lost], expectations: [declared] }).verdict).toBe('go')
  })

  test('is inconclusive when the config requires a suite that is not configured', () => {
    const open = suites.tests.map((each) =>
      each.suite === 'rls' ? ({ ...each, outcome: 'not configured' } as const) : each,
    )
    expect(decide({ ...clean, suites: { ...suites, tests: open } }).verdict).toBe('go')
    expect(decide({ ...clean, suites: { ...suites, tests: open }, require: ['rls'] }).verdict).toBe('inconclusive')
  })

  test.each(findingKinds)('gives %s its severity and its metric, and never passes its rows on', (kind) => {
    const rows = { side: 'before', table: 'public.tasks', keyColumns: ['id'], keys: [['1']], complete: true } as const
    const { findings } = decide({ ...clean, findings: [{ ...lost, kind, rows }] })
    expect(findings).toHaveLength(1)
    expect(findings[0]).not.toHaveProperty('rows')
    expect(findings[0]?.blocking).toBe(findings[0]?.severity === 'blocking')
  })

  test('takes the severity of the case over that of the kind', () => {
    const old: Finding = { ...lost, kind: 'data.orphans', severity: 'warning' }
    expect(decide({ ...clean, findings: [old] }).verdict).toBe('go')
  })

  test('does not depend on the order of its input', () => {
    const finding = fc.record({
      kind: fc.constantFrom(...findingKinds),
      object: fc.constantFrom('public.tasks', 'public.events'),
      title: fc.constantFrom('One.', 'Two.'),
      evidence: fc.constant<readonly string[]>([]),
    })
    const checks = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd'),
        metric: fc.constantFrom(...metricNames),
        title: fc.constant('Check'),
        status: fc.constantFrom<Check['status']>('passed', 'failed', 'not run', 'not configured'),
        required: fc.boolean(),
      }),
      { selector: ({ id }) => id },
    )
    const shuffled = <Item>(items: readonly Item[], at: number) => [...items.slice(at), ...items.slice(0, at)].reverse()
    fc.assert(
      fc.property(fc.array(finding, { maxLength: 8 }), checks, fc.nat(7), (findings, own, at) => {
        const input = {
          ...clean,
          findings,
          checks: own,
          expectations: [declared, { ...declared, line: 2 }],
          waivers: [waiver],
        }
        const turned = {
          ...input,
          findings: shuffled(findings, at),
          checks: shuffled(own, at),
          expectations: shuffled(input.expectations, 1),
          suites: { ...suites, tests: shuffled(suites.tests, at) },
        }
        expect(decide(turned)).toEqual(decide(input))
      }),
    )
  })
})
