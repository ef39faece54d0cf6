import type { Check } from '../model/check.ts'
import type { GreenlightConfig, Waiver } from '../model/config.ts'
import type { Finding } from '../model/finding.ts'
import type { StageRun } from '../model/stage-run.ts'
import type { SuiteRun } from '../model/suite-run.ts'
import type { Expectation, JudgedFinding, Metric, PredicateProof, Verdict } from '../model/verdict.ts'
import { judge } from './judge.ts'
import { decideMetrics, isConclusive } from './metrics.ts'
import type { MigrationFacts } from './plan/evidence.ts'
import { decidePlan } from './plan/plan.ts'
import { judgeSuites } from './suites.ts'

/** Everything that a verdict is reached on, as plain data. The order within each list does not matter. */
export type DecideInput = {
  readonly findings: readonly Finding[]
  /** From every stage, also those that did not run. The checks of the suites are made here, and take the place of planned ones. */
  readonly checks: readonly Check[]
  readonly stages: readonly StageRun[]
  /** Absent when the suites were not run. */
  readonly suites?: SuiteRun | undefined
  /** The pending ones. */
  readonly migrations: readonly MigrationFacts[]
  /** Names of the edge functions that were found. */
  readonly functions: readonly string[]
  readonly expectations: readonly Expectation[]
  readonly proofs: readonly PredicateProof[]
  readonly waivers: readonly Waiver[]
  /** The config's `plan`, `require`. */
  readonly plan?: GreenlightConfig['plan'] | undefined
  readonly require?: readonly string[] | undefined
  /** The day in UTC, ISO: `2026-11-22`. */
  readonly today: string
}

/**
 * The verdict. `no-go`: there is evidence of harm. `inconclusive`: there is none, but a stage failed or a metric is
 * unknown. `go`: all five metrics are met. Pure, and independent of the order of its input.
 */
export function decide(input: DecideInput): Verdict {
  const suites = judgeSuites(input.suites, input.require)
  const own = new Set(suites.checks.map(({ id }) => id))
  const checks = [...input.checks.filter(({ id }) => !own.has(id)), ...suites.checks]
  const applied = new Set(input.migrations.filter(({ status }) => status === 'applied').map(({ name }) => name))
  const failed = input.stages.filter(({ status }) => status === 'failed')
  const judgement = judge([...input.findings.map((finding) => ({ finding })), ...suites.findings], {
    ...input,
    wasLookedAt: (migration) => applied.has(migration) && failed.length === 0,
  })
  const metrics = decideMetrics(checks, judgement.findings)
  const plan = decidePlan(
    { checks, metrics, migrations: input.migrations, functions: input.functions, findings: judgement.findings },
    input.plan,
  )
  return { ...conclude(judgement.findings, metrics, failed), metrics, plan, ...judgement }
}

function conclude(
  findings: readonly JudgedFinding[],
  metrics: readonly Metric[],
  failed: readonly StageRun[],
): Pick<Verdict, 'verdict' | 'reason'> {
  const harm = findings.filter((finding) => finding.blocking)
  const unknown = unknowns(metrics, failed)
  if (harm.length > 0) {
    const also = unknown.length > 0 ? ` Besides, not everything could be looked at: ${unknown.join('; ')}.` : ''
    return { verdict: 'no-go', reason: `${sayHarm(harm)}${also}` }
  }
  if (unknown.length > 0)
    return { verdict: 'inconclusive', reason: `No verdict could be reached: ${unknown.join('; ')}.` }
  return { verdict: 'go', reason: sayGo(findings, metrics) }
}

function sayHarm(harm: readonly JudgedFinding[]): string {
  const first = harm[0]?.title.replace(/\.$/, '') ?? ''
  if (harm.length === 1) return `One finding blocks the deploy: ${first}.`
  return `${harm.length} findings block the deploy, the first of them: ${first}.`
}

function sayGo(findings: readonly JudgedFinding[], metrics: readonly Metric[]): string {
  const looked = metrics.flatMap(({ checks }) => checks).filter(isConclusive).length
  const declared = findings.filter(
    ({ severity, coveredBy }) => severity === 'blocking' && coveredBy?.type === 'expectation',
  ).length
  const waived = findings.filter(
    ({ severity, coveredBy }) => severity === 'blocking' && coveredBy?.type === 'waiver',
  ).length
  const covered = [
    declared > 0 ? `${declared} ${declared === 1 ? 'change was' : 'changes were'} declared by the migrations` : '',
    waived > 0 ? `${waived} waived by name` : '',
  ].filter(Boolean)
  return `No harm was found: all five success metrics are met on ${looked} checks${covered.length ? `, ${covered.join(', ')}` : ''}.`
}

/** What could not be looked at, as parts of a sentence. */
function unknowns(metrics: readonly Metric[], failed: readonly StageRun[]): readonly string[] {
  const stages = failed
    .map(({ name, reason }) => `the stage "${name}" failed${reason ? ` (${reason.replace(/\.$/, '')})` : ''}`)
    .sort()
  const open = metrics.filter(({ status }) => status === 'unknown')
  const said = open.map(({ name, summary }) => `${name} (${summary.replace(/^Not known: /, '').replace(/\.$/, '')})`)
  const titles = open.length === 0 ? [] : [`it is not known how it stands with ${said.join(', ')}`]
  return [...stages, ...titles]
}
