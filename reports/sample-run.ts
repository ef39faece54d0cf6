import type { AppliedMigration } from '../harness/model/migration-run.ts'
import type { Rehearsal } from '../harness/model/report.ts'
import type { RestoredEntry } from '../harness/model/restore-run.ts'
import type { StageRun } from '../harness/model/stage-run.ts'
import type { JoinedTest, TestOutcome } from '../harness/model/suite-run.ts'
import type { VerdictName } from '../harness/model/verdict.ts'

type Run = Pick<Rehearsal, 'restore' | 'migrations' | 'rollback' | 'suites' | 'stages' | 'provenance'>

/** The second half of the sample: what ran, how long it took and on what. */
export function sampleRun(verdict: VerdictName): Run {
  const isOpen = verdict === 'inconclusive'
  return {
    restore: {
      dump: {
        path: 'fixtures/planner/production.dump',
        format: 'custom',
        archiveVersion: '1.16',
        serverVersion: '17.6',
        compression: 'gzip',
        bytes: 2_412_330,
        sha256: '9f2c4a7be0135d6f8a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef',
        database: 'postgres',
        createdAt: '2026-11-20T03:00:12',
      },
      serverVersion: '17.10',
      entries,
      tables: [
        { schema: 'auth', name: 'users', rowsInArchive: 2000, rowsLoaded: 2000 },
        { schema: 'public', name: 'chat_messages', rowsInArchive: 12_000, rowsLoaded: 12_000 },
        { schema: 'public', name: 'event_user_roles', rowsInArchive: 8000, rowsLoaded: 8000 },
        { schema: 'public', name: 'events', rowsInArchive: 1500, rowsLoaded: 1500 },
        { schema: 'public', name: 'profiles', rowsInArchive: 1988, rowsLoaded: 1988 },
        { schema: 'public', name: 'tasks', rowsInArchive: 5716, rowsLoaded: 5716 },
      ],
      extensions: [
        { name: 'pgcrypto', mode: 'real' },
        { name: 'pg_cron', mode: 'stub', note: 'no job ever runs' },
        { name: 'pg_graphql', mode: 'stub', note: 'graphql.resolve answers nothing' },
      ],
      rolesCreated: ['reporting'],
      masking: {
        key: 'random',
        columns: [
          { table: 'auth.users', column: 'email', as: 'email', reason: 'platform', values: 2000 },
          { table: 'public.chat_messages', column: 'body', as: 'mentions', reason: 'mentions', values: 37 },
          { table: 'public.profiles', column: 'full_name', as: 'name', reason: 'name', values: 1988 },
        ],
      },
      phases: [
        { name: 'read', milliseconds: 90 },
        { name: 'pre-data', milliseconds: 1400 },
        { name: 'data', milliseconds: 1200 },
        { name: 'post-data', milliseconds: 1500 },
        { name: 'acl', milliseconds: 300 },
      ],
      milliseconds: 4490,
    },
    migrations: { migrations, milliseconds: 612 },
    rollback: {
      scripts: migrations.map(({ name }) => ({
        name,
        migration: name,
        status: name.startsWith('206') ? ('missing' as const) : ('applied' as const),
        ...(!name.startsWith('206') && { milliseconds: 20 }),
      })),
      milliseconds: 180,
    },
    ...(!isOpen && { suites: { files: 9, milliseconds: 14_200, errors: [], tests: tests(verdict) } }),
    stages: stages(isOpen),
    provenance: {
      tool: { name: 'supabase-greenlight', version: '0.1.0' },
      startedAt: '2026-11-22T16:20:00.000Z',
      milliseconds: 34_210,
      node: '24.21.0',
      platform: 'linux x64',
      engine: {
        name: 'embedded',
        serverVersion: '17.10',
        capabilities: ['template-clones', 'extension-files', 'superuser', 'settings'],
        lacks: ['statement-statistics: pg_stat_statements counts; else what reads it fails'],
      },
      dumps: [
        {
          path: 'fixtures/planner/production.dump',
          sha256: '9f2c4a7be0135d6f8a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef',
          bytes: 2_412_330,
        },
      ],
      migrations: migrations.map(({ name, sha256 }) => ({ name, sha256 })),
      functions: { path: 'fixtures/planner/functions', sha256: '1d'.repeat(32) },
      config: { path: 'fixtures/planner/greenlight.config.ts', sha256: 'c0'.repeat(32) },
      gitCommit: '876cb58d0f2b7f8f4f0e8f3f1a2b3c4d5e6f7081',
      seed: 1,
    },
  }
}

const entries: readonly RestoredEntry[] = [
  ...Array.from(
    { length: 41 },
    (_, id): RestoredEntry => ({
      id,
      type: 'TABLE',
      schema: 'public',
      name: `table_${id}`,
      owner: 'postgres',
      fate: 'restored',
    }),
  ),
  ...Array.from(
    { length: 96 },
    (_, id): RestoredEntry => ({
      id: 100 + id,
      type: 'ACL',
      schema: 'public',
      name: `acl_${id}`,
      owner: 'postgres',
      fate: 'restored',
    }),
  ),
  {
    id: 300,
    type: 'EXTENSION',
    name: 'pg_cron',
    owner: '',
    fate: 'stubbed',
    reason: 'Not available on this server: a stand-in takes its place.',
  },
  { id: 301, type: 'EVENT TRIGGER', name: 'pgrst_ddl_watch', owner: 'supabase_admin', fate: 'restored' },
  {
    id: 302,
    type: 'SUBSCRIPTION',
    name: 'warehouse',
    owner: 'postgres',
    fate: 'refused',
    reason: 'It would connect to another host.',
  },
]

const migrations: readonly AppliedMigration[] = [
  '201_fix_access_code_issue.sql',
  '203_profiles.sql',
  '204_update_rls_policies.sql',
  '205_indexes.sql',
  '206_orphans.sql',
  '210_create_email_tracking_tables.sql',
].map((name, index) => ({
  name,
  version: name.slice(0, 3),
  sha256: `${index}a`.repeat(32),
  status: 'applied',
  statements: 3 + index * 2,
  atomic: index !== 3,
  milliseconds: 40 + index * 31,
  trace: [
    {
      line: 3,
      column: 1,
      milliseconds: 2.1,
      locks: [{ object: 'public.profiles', mode: 'ACCESS EXCLUSIVE' as const, existed: true, heldMs: 12.5 + index }],
      walBytes: 1840,
      sizeBytes: 0,
    },
    {
      line: 9,
      column: 1,
      milliseconds: 10.4 + index * 8,
      rows: [{ table: 'public.tasks', inserted: 0, updated: 31, deleted: 0 }],
      locks: [{ object: 'public.tasks', mode: 'ROW EXCLUSIVE' as const, existed: true, heldMs: 10.4 }],
      ...(index === 1 && { rewrites: ['public.tasks'] }),
      walBytes: 48_200,
      sizeBytes: 8192,
    },
  ],
  ...(index === 5 && { elevated: [{ line: 40, column: 1, right: 'cron.schedule' }] }),
  ...(index === 4 && { rows: [{ table: 'public.tasks', inserted: 0, updated: 0, deleted: 31 }] }),
}))

function tests(verdict: VerdictName): readonly JoinedTest[] {
  const joined = (suite: string, file: string, name: string, outcome: TestOutcome): JoinedTest => {
    const before = outcome === 'passes' ? 'not asked' : outcome === 'fixed' || outcome === 'fails' ? 'failed' : 'passed'
    const after = outcome === 'regressed' || outcome === 'fails' ? 'failed' : 'passed'
    const isSkipped = outcome === 'not configured'
    return {
      suite,
      file: `suites/${suite}/${file}.suite.ts`,
      name,
      before: isSkipped ? 'skipped' : before,
      after: isSkipped ? 'skipped' : after,
      outcome,
      milliseconds: { before: 120, after: 98 },
      ...(after === 'failed' && { message: 'AssertionError: expected undefined to be true' }),
      ...(before === 'failed' && { finding: 'mail.missing-recipient' as const }),
      ...(isSkipped && { reason: 'not configured: contracts.own' }),
    }
  }
  return [
    joined('access-codes', 'validate', 'MHP2026 validates as JSONB', verdict === 'no-go' ? 'regressed' : 'fixed'),
    joined('auth', 'login', 'a canary logs in with the password', 'same'),
    joined('auth', 'login', 'a Google user logs in through a one-time link', 'same'),
    joined('dates', 'timestamps', 'a timestamptz reads back the same', 'same'),
    joined('integrity', 'rows', 'each owner has a role', 'fixed'),
    joined('notifications', 'event-update', 'an update reaches the collaborators and not the editor', 'passes'),
    joined('own', 'billing', 'an invoice is sent once', 'not configured'),
    joined('rls', 'members', 'a stranger does not see the event', 'same'),
    joined('roles-profiles', 'two-step', 'the two-step query gives every profile', 'fixed'),
  ]
}

function stages(isOpen: boolean): readonly StageRun[] {
  return [
    { name: 'restore', status: 'done', milliseconds: 4490 },
    { name: 'clone', status: 'done', milliseconds: 310 },
    { name: 'migrations', status: 'done', milliseconds: 612 },
    { name: 'snapshot', status: 'done', milliseconds: 6900 },
    isOpen
      ? { name: 'suites', status: 'failed', milliseconds: 2100, reason: 'a suite file did not load' }
      : { name: 'suites', status: 'done', milliseconds: 14_200 },
    { name: 'queries', status: 'done', milliseconds: 2900 },
    isOpen
      ? { name: 'rollback', status: 'not run', reason: 'the run ended before it' }
      : { name: 'rollback', status: 'done', milliseconds: 1800 },
  ]
}
