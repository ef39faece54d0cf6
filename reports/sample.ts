import type { Check } from '../harness/model/check.ts'
import type { MetricName } from '../harness/model/finding.ts'
import type { Rehearsal } from '../harness/model/report.ts'
import type { Metric, PlanItem, VerdictName } from '../harness/model/verdict.ts'
import { harmful, harmless } from './sample-findings.ts'
import { sampleRun } from './sample-run.ts'

/** A rehearsal as data, rich in cases, for tests of the renderers. Nothing of it was measured. */
export function sampleRehearsal(verdict: VerdictName): Rehearsal {
  const reasons = {
    go: 'No harm was found: all five success metrics are met on 14 checks, 3 changes were declared by the migrations, 1 waived by name.',
    'no-go':
      '3 findings block the deploy, the first of them: Role anon can read 2,003 rows of public.profiles that it could not read before.',
    inconclusive: 'No verdict could be reached: the stage "suites" failed (a suite file did not load).',
  }
  const findings = verdict === 'no-go' ? [...harmful, ...harmless] : harmless
  return {
    ...sampleRun(verdict),
    verdict,
    reason: reasons[verdict],
    metrics: (['logins', 'access', 'features', 'data', 'performance'] as const).map((name) => metric(name, verdict)),
    findings,
    expectations: [
      {
        kind: 'data.values-filled',
        object: 'public.profiles',
        column: 'timezone',
        reason: 'missing time zones are filled in',
        migration: '203_profiles.sql',
        line: 3,
        matched: 1,
      },
      {
        kind: 'data.rows-deleted',
        object: 'public.tasks',
        predicate: 'event_id not in (select id from public.events)',
        reason: 'orphaned tasks are archived first',
        migration: '206_orphans.sql',
        line: 2,
        matched: 1,
      },
      {
        kind: 'access.rows-gained',
        object: 'public.profile',
        role: 'authenticated',
        reason: 'collaborators see each other',
        migration: '204_update_rls_policies.sql',
        line: 1,
        matched: 0,
      },
    ],
    waivers: [
      {
        kind: 'rollback.incomplete',
        object: 'public.access_visits',
        owner: 'Data team',
        until: '2026-12-31',
        reason: 'visits without an event cannot be taken back',
        state: 'used',
      },
    ],
    plan: plan(verdict),
  }
}

function metric(name: MetricName, verdict: VerdictName): Metric {
  const told: Readonly<Record<MetricName, [string, string, readonly Check[]]>> = {
    logins: [
      'All existing users can log in',
      'Whoever could log in before can log in after: 2,000 accounts read as Auth reads them, 14 logged in for real on both sides.',
      [
        check(
          'logins.users-read',
          name,
          'Every account, identity and session compared',
          '2,000 accounts and 2,212 identities are the same.',
          { accounts: 2000, identities: 2212 },
        ),
        check('suite:auth', name, 'Suite auth', '5 tests pass on both sides.', { testsPassed: 5 }),
      ],
    ],
    access: [
      'All user data is accessible, and only to whom it should be',
      'Everyone reaches what they reached before, and only what is meant: row sets of 16 users in 11 tables compared.',
      [
        check(
          'access.row-sets',
          name,
          'What sampled users see and may change compared',
          'Row sets of 16 users in 11 tables compared.',
          { usersSampled: 16, tables: 11 },
        ),
      ],
    ],
    features: [
      'All features work identically',
      'What worked before works after: 27 tests pass, 22 on both sides and 5 of functions on the migrated copy, 4 are fixed by the migrations.',
      [
        check(
          'features.suites',
          name,
          'The suites ran',
          '27 tests pass, 22 on both sides and 5 of functions on the migrated copy, 4 are fixed by the migrations.',
          { testsPassed: 27, testsFixed: 4 },
        ),
        {
          ...check('suite:own', name, 'Suite own', '', {}),
          status: 'not configured',
          required: false,
          reason: 'contracts.own is missing in the config.',
        },
      ],
    ],
    data: [
      'No data loss or corruption',
      'Nothing is lost or altered but what was declared: 31,204 rows of 41 tables compared, 31 differ (2 declared or waived).',
      [
        check('restore.rows', name, 'Every row of the dump loaded', '31,204 of 31,204 rows of 41 tables were loaded.', {
          rowsLoaded: 31204,
        }),
        {
          ...check(
            'data.ledger',
            name,
            'Every row of every table compared',
            '31,204 rows of 41 tables compared, 31 differ.',
            { rowsCompared: 31204 },
          ),
          status: 'failed',
        },
      ],
    ],
    performance: [
      'Performance is maintained or improved',
      'Reads are as cheap as before, or cheaper: 11 reads touch 38% fewer blocks.',
      [
        check(
          'performance.queries',
          name,
          'Reads of real users measured on both sides',
          '11 reads touch 38% fewer blocks.',
          { queries: 11, medianMs: 1.84 },
        ),
      ],
    ],
  }
  const [title, summary, checks] = told[name]
  const numbers = Object.assign({}, ...checks.map((each) => each.numbers ?? {}))
  const base = { name, title, summary, checks, numbers, status: 'met' } as const
  if (verdict === 'no-go' && (name === 'access' || name === 'data' || name === 'features')) {
    const first = harmful.find((finding) => finding.metric === name)
    return { ...base, status: 'not met', summary: `It would not be as it should: ${first?.title ?? ''}` }
  }
  if (verdict === 'inconclusive' && name === 'features') {
    const open = checks.map(
      (each): Check => ({ ...each, status: 'not run', required: true, reason: 'a suite file did not load' }),
    )
    return {
      ...base,
      status: 'unknown',
      summary: 'Not known: the check "The suites ran" did not run (a suite file did not load).',
      checks: open,
    }
  }
  return base
}

function check(
  id: string,
  metricName: MetricName,
  title: string,
  summary: string,
  numbers: Record<string, number>,
): Check {
  return { id, metric: metricName, title, status: 'passed', required: true, ...(summary && { summary }), numbers }
}

function plan(verdict: VerdictName): readonly PlanItem[] {
  const item = (
    id: string,
    phase: string,
    text: string,
    status: PlanItem['status'],
    evidence: string,
    checks: readonly string[] = [],
  ): PlanItem => ({ id, phase, text, status, evidence, checks })
  const [one, three, five] = [
    'Phase 1: Backup & Analysis',
    'Phase 3: Data Integrity Fixes',
    'Step 3: Production Deployment',
  ]
  return [
    item(
      '1.1',
      one,
      'Full production database backup before any changes',
      'done',
      '31,204 of 31,204 rows of 41 tables were loaded.',
      ['restore.entries', 'restore.rows'],
    ),
    item(
      '1.3',
      one,
      'Identify differences between dev and production',
      'manual',
      'This run had no development database to compare with.',
    ),
    item('1.4', one, 'Test migration scripts on a copy of production data', 'done', '8 migrations applied.', [
      'migrations.applied',
    ]),
    item(
      '3.2',
      three,
      'Fix any orphaned records without data loss',
      verdict === 'no-go' ? 'failed' : 'done',
      verdict === 'no-go' ? '1,204 values of public.profiles were overwritten.' : 'No orphans are left.',
      ['data.orphans', 'data.ledger'],
    ),
    item(
      '3.3',
      three,
      'Ensure all users have profiles in the profiles table',
      verdict === 'inconclusive' ? 'not run' : 'done',
      verdict === 'inconclusive' ? 'Suite integrity: not run.' : '2 tests pass on both sides.',
      ['suite:integrity'],
    ),
    item(
      'step-3.2',
      five,
      'Deploy application to Vercel',
      'manual',
      'A rehearsal deploys nothing: promote the build in Vercel after the migrations.',
    ),
  ]
}
