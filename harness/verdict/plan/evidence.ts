import { matchesGlob } from 'node:path/posix'
import type { Check } from '../../model/check.ts'
import type { MigrationStatus } from '../../model/migration-run.ts'
import type { JudgedFinding, Metric } from '../../model/verdict.ts'
import { concerns } from '../areas.ts'
import { topicsOf } from './topics.ts'

/** A pending migration, as far as the plan needs it. */
export type MigrationFacts = { readonly name: string; readonly status: MigrationStatus; readonly sql: string }

/** What the plan is held against. */
export type Known = {
  readonly checks: readonly Check[]
  readonly metrics: readonly Metric[]
  readonly findings: readonly JudgedFinding[]
  readonly migrations: readonly MigrationFacts[]
  readonly functions: readonly string[]
}

/** What one piece of evidence says. `absent`: this run has nothing of that name, so nothing was looked at. */
export type Evidence = {
  readonly state: 'passed' | 'failed' | 'unknown' | 'absent'
  /** One sentence. */
  readonly said: string
  readonly checks: readonly string[]
}

/**
 * Looks up one reference: the id of a check (`data.ledger`, `suite:rls`), `metric:<name>`, `migration:<glob>` (all
 * pending migrations of that name), `topic:<topic>` (all pending migrations that do such a thing) or `function:<name>`.
 */
export function evidenceOf(reference: string, known: Known): Evidence {
  const [prefix, rest = ''] = splitOnce(reference)
  switch (prefix) {
    case 'metric':
      return ofMetric(rest, known)
    case 'migration':
      return ofMigrations(
        known.migrations.filter(({ name }) => matchesGlob(name, rest)),
        `No pending migration is called ${rest}.`,
      )
    case 'topic':
      return ofMigrations(
        known.migrations.filter(({ sql }) => topicsOf(sql).has(rest)),
        `No pending migration does it (${rest}).`,
      )
    case 'function':
      return known.functions.includes(rest)
        ? { state: 'passed', said: `The function ${rest} was found.`, checks: [] }
        : { state: 'absent', said: `No function ${rest} is in the functions folder.`, checks: [] }
    default:
      return ofCheck(reference, known)
  }
}

function splitOnce(reference: string): readonly [string, string?] {
  const at = reference.indexOf(':')
  return at < 0 ? [reference] : [reference.slice(0, at), reference.slice(at + 1)]
}

function ofMetric(name: string, { metrics }: Known): Evidence {
  const metric = metrics.find((each) => each.name === name)
  if (!metric) return { state: 'absent', said: `There is no metric ${name}.`, checks: [] }
  const states = { met: 'passed', 'not met': 'failed', unknown: 'unknown' } as const
  return { state: states[metric.status], said: metric.summary, checks: metric.checks.map(({ id }) => id) }
}

function ofMigrations(own: readonly MigrationFacts[], none: string): Evidence {
  const checks = ['migrations.applied']
  if (own.length === 0) return { state: 'absent', said: none, checks: [] }
  const failed = own.find(({ status }) => status === 'failed' || status === 'rolled back')
  if (failed) return { state: 'failed', said: `${failed.name} failed on the copy.`, checks }
  const open = own.find(({ status }) => status === 'not run')
  if (open) return { state: 'unknown', said: `${open.name} was not run.`, checks }
  const names = own.map(({ name }) => name).sort()
  const verb = names.length === 1 ? 'was' : 'were'
  return { state: 'passed', said: `${sayList(names)} ${verb} applied to the copy without an error.`, checks }
}

function sayList(names: readonly string[]): string {
  if (names.length > 4) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function ofCheck(id: string, known: Known): Evidence {
  const check = known.checks.find((each) => each.id === id)
  if (!check) return { state: 'absent', said: `No check ${id} is part of this run.`, checks: [] }
  const checks = [id]
  switch (check.status) {
    case 'passed':
      return { state: 'passed', said: sayResult(check), checks }
    case 'failed': {
      const harm = known.findings.find((finding) => finding.blocking && concerns(check, finding))
      return harm
        ? { state: 'failed', said: sentence(harm.title), checks }
        : { state: 'passed', said: `${sayResult(check)} Whatever differs was declared or waived.`, checks }
    }
    case 'not run':
    case 'not configured':
      return {
        state: 'unknown',
        said: sentence(`${check.title}: ${check.status}${check.reason ? `, ${check.reason}` : ''}`),
        checks,
      }
  }
}

/** A suite's numbers say nothing without its name. */
function sayResult({ id, title, summary }: Check): string {
  if (summary === undefined) return `${title}: passed.`
  return sentence(id.startsWith('suite:') ? `${title}: ${summary}` : summary)
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`
}
