import type { Finding, MetricName } from '../harness/model/finding.ts'
import type { JudgedFinding } from '../harness/model/verdict.ts'

function judged(finding: Finding, metricName: MetricName, rest: Partial<JudgedFinding>): JudgedFinding {
  const { rows: _, severity = 'blocking', ...told } = finding
  return { ...told, severity, metric: metricName, blocking: false, ...rest }
}

/** What makes the sample a no-go. */
export const harmful: readonly JudgedFinding[] = [
  judged(
    {
      kind: 'access.rows-gained',
      object: 'public.profiles',
      role: 'anon',
      title: 'Role anon can read 2,003 rows of public.profiles that it could not read before.',
      evidence: [
        'Before: 0 rows. After: 2,003 rows.',
        'Policy "read all" on public.profiles for select to public using (true)',
        'select count(*) from public.profiles;  -- set local role anon',
      ],
      migration: '204_update_rls_policies.sql',
      where: { file: 'migrations/204_update_rls_policies.sql', line: 12, column: 1 },
      fix: 'Restrict the policy to authenticated, and to the profiles of collaborators.',
    },
    'access',
    {
      blocking: true,
      expectationLine: '-- greenlight: expects access.rows-gained public.profiles to anon because …',
    },
  ),
  judged(
    {
      kind: 'data.values-changed',
      object: 'public.profiles',
      columns: ['locale', 'timezone'],
      title: '1,204 values of public.profiles were overwritten: locale in 4 rows, timezone in 1,200.',
      evidence: [
        'id 00000000-0000-4000-8000-000000000001',
        'id 00000000-0000-4000-8000-000000000002',
        '… and 1,202 more',
      ],
      migration: '203_profiles.sql',
    },
    'data',
    {
      blocking: true,
      expectationLine:
        '-- greenlight: expects data.values-changed public.profiles(locale) because …\n' +
        '-- greenlight: expects data.values-changed public.profiles(timezone) because …',
    },
  ),
  judged(
    {
      kind: 'feature.regressed',
      object: 'access-codes: MHP2026 validates as JSONB',
      title: '"MHP2026 validates as JSONB" passes before the migrations and fails after them.',
      evidence: [
        'AssertionError: expected undefined to be true',
        'Before: passed. After: failed. Suite file: suites/access-codes/validate.suite.ts.',
      ],
      where: { file: 'suites/access-codes/validate.suite.ts', line: 21, column: 40 },
    },
    'features',
    { blocking: true },
  ),
]

/** Declared, waived, warnings and infos. */
export const harmless: readonly JudgedFinding[] = [
  judged(
    {
      kind: 'data.rows-deleted',
      object: 'public.tasks',
      title: '31 rows of public.tasks are gone.',
      evidence: ['id 812', 'id 907', '… and 29 more'],
      migration: '206_orphans.sql',
    },
    'data',
    {
      coveredBy: {
        type: 'expectation',
        migration: '206_orphans.sql',
        line: 2,
        reason: 'orphaned tasks are archived first',
      },
    },
  ),
  judged(
    {
      kind: 'rollback.incomplete',
      object: 'public.access_visits',
      title: 'After the rollback, 14 rows of public.access_visits are not as they were.',
      evidence: ['Column event_id: 14 rows'],
    },
    'data',
    {
      coveredBy: {
        type: 'waiver',
        owner: 'Data team',
        until: '2026-12-31',
        reason: 'visits without an event cannot be taken back',
      },
    },
  ),
  judged(
    {
      kind: 'data.values-filled',
      object: 'public.profiles',
      columns: ['timezone'],
      title: '640 cells of public.profiles.timezone that held NULL have a value now.',
      evidence: ['640 rows'],
      migration: '203_profiles.sql',
      severity: 'info',
    },
    'data',
    {
      coveredBy: {
        type: 'expectation',
        migration: '203_profiles.sql',
        line: 3,
        reason: 'missing time zones are filled in',
      },
    },
  ),
  judged(
    {
      kind: 'expectation.unmatched',
      object: 'public.profile',
      title:
        'The migration declares "access.rows-gained public.profile to authenticated", and nothing in this run matches it.',
      evidence: ['There is no finding access.rows-gained on public.profile.'],
      migration: '204_update_rls_policies.sql',
      where: { file: '204_update_rls_policies.sql', line: 1 },
      severity: 'warning',
    },
    'access',
    {},
  ),
  judged(
    {
      kind: 'feature.fixed',
      object: 'roles-profiles: the two-step query gives every profile',
      title: '"the two-step query gives every profile" fails before the migrations and passes after them.',
      evidence: ['Before: failed. After: passed. Suite file: suites/roles-profiles/two-step.suite.ts.'],
      severity: 'info',
    },
    'access',
    {},
  ),
  judged(
    {
      kind: 'migration.lint',
      object: '205_indexes.sql',
      title: 'Three indexes are built without CONCURRENTLY: writes to their tables wait.',
      evidence: ['require-concurrent-index-creation (squawk)'],
      migration: '205_indexes.sql',
      where: { file: 'migrations/205_indexes.sql', line: 4, column: 1 },
      severity: 'warning',
    },
    'performance',
    {},
  ),
]
