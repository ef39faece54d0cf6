import { z } from 'zod'

const count = z.int().nonnegative()
const milliseconds = z.number().nonnegative()
const sha256 = z.string()
const place = z.strictObject({ file: z.string(), line: z.int().positive(), column: z.int().positive().optional() })
const metricName = z.enum(['logins', 'access', 'features', 'data', 'performance'])
const migrationStatus = z.enum(['not run', 'applied', 'failed', 'rolled back'])
const testState = z.enum(['passed', 'failed', 'skipped', 'not run', 'not asked'])

const check = z.strictObject({
  id: z.string(),
  title: z.string(),
  status: z.enum(['passed', 'failed', 'not run', 'not configured']),
  required: z.boolean(),
  summary: z.string().optional(),
  reason: z.string().optional(),
  numbers: z.record(z.string(), z.number()).optional(),
})

const metric = z.strictObject({
  name: metricName,
  title: z.string(),
  status: z.enum(['met', 'not met', 'unknown']),
  summary: z.string(),
  numbers: z.record(z.string(), z.number()),
  checks: z.array(check),
})

const coverage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('expectation'), migration: z.string(), line: z.int(), reason: z.string() }),
  z.strictObject({ type: z.literal('waiver'), owner: z.string(), until: z.string(), reason: z.string() }),
])

const finding = z
  .strictObject({
    kind: z.string(),
    severity: z.enum(['blocking', 'warning', 'info']),
    blocking: z.boolean().describe('It alone makes the verdict no-go: its severity is blocking and nothing covers it.'),
    metric: metricName,
    object: z.string(),
    columns: z.array(z.string()).optional(),
    role: z.string().optional(),
    title: z.string(),
    evidence: z.array(z.string()),
    migration: z.string().optional(),
    where: place.optional(),
    fix: z.string().optional().describe('What to do about this very case.'),
    problem: z
      .string()
      .optional()
      .describe('What each mail concerned has, as kept-mails.jsonl words it beside a report of a run with --keep.'),
    meaning: z.string(),
    why: z.string(),
    advice: z.string().describe('What to do about findings of this kind.'),
    expectation: z.string().optional().describe('The comment to paste into the migration, when the change is meant.'),
    coveredBy: coverage.optional(),
  })
  .meta({ id: 'Finding' })

const planItem = z.strictObject({
  id: z.string(),
  phase: z.string(),
  text: z.string(),
  status: z.enum(['done', 'failed', 'manual', 'not run']),
  evidence: z.string(),
  checks: z.array(z.string()),
})

const expectation = z.strictObject({
  kind: z.string(),
  object: z.string(),
  column: z.string().optional(),
  role: z.string().optional(),
  predicate: z.string().optional(),
  reason: z.string(),
  migration: z.string(),
  line: z.int(),
  matched: count,
})

const waiver = z.strictObject({
  kind: z.string(),
  object: z.string(),
  owner: z.string(),
  until: z.string(),
  reason: z.string(),
  state: z.enum(['used', 'expired', 'unmatched']),
})

const entry = z.strictObject({
  type: z.string(),
  schema: z.string().optional(),
  name: z.string(),
  fate: z.enum(['stubbed', 'refused', 'failed']),
  reason: z.string().optional(),
})

const masking = z
  .strictObject({
    key: z.enum(['random', 'given']),
    columns: z.array(
      z.strictObject({ table: z.string(), column: z.string(), as: z.string(), reason: z.string(), values: count }),
    ),
  })
  .describe('What was masked on the way into the copy: the columns, why, and how many values of each.')

const restore = z.strictObject({
  dump: z.strictObject({
    path: z.string(),
    format: z.enum(['custom', 'directory', 'tar', 'plain', 'cluster', 'supabase-cli']),
    archiveVersion: z.string().optional(),
    serverVersion: z.string(),
    compression: z.enum(['none', 'gzip', 'lz4', 'zstd']),
    bytes: count,
    sha256,
    database: z.string(),
    createdAt: z.string().optional(),
  }),
  entries: z
    .strictObject({ total: count, restored: count, stubbed: count, refused: count, failed: count })
    .describe('Entries of the table of contents by what became of them.'),
  types: z.array(z.strictObject({ type: z.string(), total: count, restored: count })),
  notRestored: z.array(entry).describe('Every entry whose fate is not restored, with the reason.'),
  tables: z.array(z.strictObject({ schema: z.string(), name: z.string(), rowsInArchive: count, rowsLoaded: count })),
  extensions: z.array(
    z.strictObject({ name: z.string(), mode: z.enum(['real', 'stub', 'absent']), note: z.string().optional() }),
  ),
  rolesCreated: z.array(z.string()),
  masking: masking.optional(),
  phases: z.array(z.strictObject({ name: z.string(), milliseconds })),
  milliseconds,
})

const failure = z.strictObject({
  sqlstate: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  line: z.int(),
  column: z.int(),
  excerpt: z.string(),
})

const tableRows = z.strictObject({ table: z.string(), inserted: count, updated: count, deleted: count })

const tracedStatement = z
  .strictObject({
    line: z.int(),
    column: z.int(),
    milliseconds,
    rows: z.array(tableRows).optional(),
    locks: z
      .array(
        z.strictObject({
          object: z.string(),
          mode: z.enum([
            'ACCESS SHARE',
            'ROW SHARE',
            'ROW EXCLUSIVE',
            'SHARE UPDATE EXCLUSIVE',
            'SHARE',
            'SHARE ROW EXCLUSIVE',
            'EXCLUSIVE',
            'ACCESS EXCLUSIVE',
          ]),
          existed: z.boolean().describe('The object was there before the first migration.'),
          heldMs: milliseconds.describe('Until the transaction ended.'),
        }),
      )
      .optional()
      .describe('Locks that the transaction did not hold before.'),
    rewrites: z.array(z.string()).optional().describe('Tables whose rows were all written anew.'),
    walBytes: count,
    sizeBytes: z.int().describe('Growth of the tables that it locked, with their indexes.'),
  })
  .meta({ id: 'TracedStatement' })

const migration = z.strictObject({
  name: z.string(),
  version: z.string(),
  sha256,
  status: migrationStatus,
  statements: count,
  atomic: z.boolean(),
  milliseconds: milliseconds.optional(),
  failure: failure.optional(),
  elevated: z
    .array(z.strictObject({ line: z.int(), column: z.int(), right: z.string() }))
    .optional()
    .describe('Statements that were run as superuser, since the platform lets role postgres run them.'),
  rows: z.array(tableRows).optional(),
  trace: z.array(tracedStatement).optional().describe('Each statement that was run, in order.'),
})

const rollback = z.strictObject({
  scripts: z.array(
    z.strictObject({
      name: z.string(),
      migration: z.string(),
      status: z.enum(['not run', 'applied', 'failed', 'rolled back', 'missing']),
      milliseconds: milliseconds.optional(),
      failure: failure.optional(),
    }),
  ),
  milliseconds,
})

const suites = z.strictObject({
  files: count,
  milliseconds,
  errors: z.array(z.string()),
  tests: z.array(
    z.strictObject({
      suite: z.string(),
      file: z.string(),
      name: z.string(),
      before: testState,
      after: testState,
      outcome: z.enum(['regressed', 'fixed', 'same', 'passes', 'fails', 'not configured', 'not run']),
      message: z.string().optional(),
      finding: z.string().optional().describe('What a check of mails found: a kind of finding.'),
      reason: z.string().optional(),
      remark: z.string().optional().describe('What the test says besides, in counts.'),
      where: place.optional(),
      milliseconds: z.strictObject({ before: milliseconds.optional(), after: milliseconds.optional() }),
    }),
  ),
})

const stage = z.strictObject({
  name: z.string(),
  status: z.enum(['not run', 'done', 'failed']),
  milliseconds: milliseconds.optional(),
  reason: z.string().optional(),
})

const hashedFile = z.strictObject({ path: z.string(), sha256 })

const provenance = z.strictObject({
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  startedAt: z.string(),
  milliseconds,
  node: z.string(),
  platform: z.string(),
  engine: z
    .strictObject({
      name: z.string(),
      serverVersion: z.string(),
      image: z.string().optional(),
      capabilities: z.array(z.string()),
      lacks: z.array(z.string()),
    })
    .optional(),
  dumps: z.array(z.strictObject({ path: z.string(), sha256, bytes: count })),
  migrations: z.array(z.strictObject({ name: z.string(), sha256 })),
  functions: hashedFile.optional(),
  config: hashedFile.optional(),
  gitCommit: z.string().optional(),
  seed: z.int(),
})

/** The wire form of a rehearsal: what `report.json` holds, and all that a renderer sees. Unknown keys are refused. */
export const reportSchema = z
  .strictObject({
    version: z.literal(1),
    verdict: z.enum(['go', 'no-go', 'inconclusive']),
    reason: z.string(),
    metrics: z.array(metric),
    findings: z.array(finding),
    plan: z.array(planItem),
    expectations: z.array(expectation),
    waivers: z.array(waiver),
    restore: restore.optional(),
    migrations: z.array(migration),
    rollback: rollback.optional(),
    suites: suites.optional(),
    stages: z.array(stage),
    provenance,
  })
  .meta({ title: 'Greenlight report', description: 'What a rehearsal of a Supabase production migration found out.' })

export type ReportDocument = z.infer<typeof reportSchema>
export type ReportFinding = ReportDocument['findings'][number]
export type ReportMetric = ReportDocument['metrics'][number]
export type ReportCheck = ReportMetric['checks'][number]

/** JSON Schema (draft 2020-12) of the document, as published in `report.schema.json`. */
export function reportJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(reportSchema), null, 2)}\n`
}
