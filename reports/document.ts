import type { FindingKind } from '../harness/model/finding.ts'
import type { Rehearsal } from '../harness/model/report.ts'
import type { EntryFate, RestoreRun } from '../harness/model/restore-run.ts'
import type { JudgedFinding, Metric } from '../harness/model/verdict.ts'
import { redact } from './redact.ts'
import { type ReportDocument, type ReportFinding, reportSchema } from './schema.ts'

/** What the catalogue says of each kind, whatever the case. */
export type Advice = Readonly<
  Record<FindingKind, { readonly meaning: string; readonly why: string; readonly advice: string }>
>

/** The versioned, redacted wire form of a rehearsal. Throws only when the rehearsal is not of the model's shape: a bug. */
export function toDocument(rehearsal: Rehearsal, advice: Advice): ReportDocument {
  const { verdict, reason, plan, expectations, waivers, stages, provenance, suites, rollback } = rehearsal
  const document = {
    version: 1,
    verdict,
    reason,
    metrics: rehearsal.metrics.map(toMetric),
    findings: rehearsal.findings.map((finding) => toFinding(finding, advice)),
    plan,
    expectations,
    waivers,
    restore: rehearsal.restore && toRestore(rehearsal.restore),
    migrations: rehearsal.migrations?.migrations ?? [],
    rollback,
    suites: suites && {
      files: suites.files,
      milliseconds: suites.milliseconds,
      errors: suites.errors,
      tests: suites.tests,
    },
    stages,
    provenance,
  }
  return reportSchema.parse(redact(document))
}

function toMetric({ name, title, status, summary, numbers, checks }: Metric): unknown {
  return { name, title, status, summary, numbers, checks: checks.map(({ metric: _, ...check }) => check) }
}

function toFinding(finding: JudgedFinding, advice: Advice): ReportFinding {
  const { kind, severity, blocking, metric, object, columns, role, title, evidence } = finding
  const { migration, where, fix, problem, coveredBy, expectationLine } = finding
  const { meaning, why, advice: general } = advice[kind]
  return {
    kind,
    severity,
    blocking,
    metric,
    object,
    columns: columns && [...columns],
    role,
    title,
    evidence: [...evidence],
    migration,
    where,
    fix,
    problem,
    meaning,
    why,
    advice: general,
    expectation: expectationLine,
    coveredBy,
  }
}

function toRestore(run: RestoreRun): unknown {
  const countOf = (fate: EntryFate) => run.entries.filter((entry) => entry.fate === fate).length
  const types = [...new Set(run.entries.map(({ type }) => type))].sort()
  return {
    dump: run.dump,
    entries: {
      total: run.entries.length,
      restored: countOf('restored'),
      stubbed: countOf('stubbed'),
      refused: countOf('refused'),
      failed: countOf('failed'),
    },
    types: types.map((type) => {
      const own = run.entries.filter((entry) => entry.type === type)
      return { type, total: own.length, restored: own.filter(({ fate }) => fate === 'restored').length }
    }),
    notRestored: run.entries
      .filter(({ fate }) => fate !== 'restored')
      .map(({ type, schema, name, fate, reason }) => ({ type, schema, name, fate, reason })),
    tables: run.tables,
    extensions: run.extensions,
    rolesCreated: run.rolesCreated,
    masking: run.masking,
    phases: run.phases,
    milliseconds: run.milliseconds,
  }
}
