import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { compareApi } from './api.ts'
import { type FactChange, factChanges, type ObjectFact } from './delta.ts'
import { objectOf, schemaOf } from './names.ts'
import { findRenames } from './renames.ts'
import { schemaFindings } from './schema-findings.ts'
import { classOf, statement } from './statements.ts'
import type { SchemaFacts } from './take-schema.ts'

/** Compares two schemas and what of them the Data API offers. Pure: sorted by object, by code unit. */
export function compareSchema(
  before: SchemaFacts,
  after: SchemaFacts,
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const changes = meantChanges(before, after)
  const findings = schemaFindings(before, after, changes, findRenames(before, after, changes))
  const api = compareApi(before.api, after.api)
  const number = (name: ReturnType<typeof classOf>) => changes.filter((change) => classOf(change) === name).length
  const numbers = {
    objectsCompared: before.facts.facts().length,
    changesAdditive: number('additive'),
    changesAltering: number('altering'),
    changesDestructive: number('destructive'),
  }
  const harm = findings.filter(
    ({ kind, severity }) => (severity ?? (blocking.has(kind) ? 'blocking' : 'info')) === 'blocking',
  ).length
  return {
    findings: [...findings, ...api.findings],
    checks: [
      {
        id: 'data.schema',
        metric: 'data',
        title: 'Nothing of the schema is gone that held or guarded data',
        status: harm > 0 ? 'failed' : 'passed',
        required: true,
        summary:
          `${numbers.objectsCompared.toLocaleString('en-US')} facts of the schema compared: ${numbers.changesAdditive} added, ` +
          `${numbers.changesAltering} altered, ${numbers.changesDestructive} taken away.`,
        numbers,
      },
      api.check,
    ],
  }
}

/**
 * Every difference between two schemas as one line, `object: what`, for a rollback that should leave none. A policy that is
 * there under another name is none: it lets pass whom it let pass. Pure.
 */
export function schemasEqual(before: SchemaFacts, other: SchemaFacts): readonly string[] {
  const bases = [before.facts, other.facts]
  return withoutRenamedPolicies(meantChanges(before, other))
    .map(
      (change) =>
        `${objectOf(change.verb === 'altered' || change.verb === 'owner' ? change.id : change.fact.id, bases)}: ${statement(change)}`,
    )
    .sort()
}

function withoutRenamedPolicies(changes: readonly FactChange[]): readonly FactChange[] {
  const ruleOf = ({ id, payload }: ObjectFact) =>
    id.kind === 'policy' ? JSON.stringify([id.schema, id.table, payload]) : undefined
  const added = new Map<string, FactChange>()
  for (const change of changes) {
    const rule = change.verb === 'added' ? ruleOf(change.fact) : undefined
    if (rule !== undefined) added.set(rule, change)
  }
  const renamed = new Set<FactChange>()
  for (const change of changes) {
    const twin = change.verb === 'removed' ? added.get(ruleOf(change.fact) ?? '') : undefined
    if (twin !== undefined && !renamed.has(twin)) renamed.add(change).add(twin)
  }
  return changes.filter((change) => !renamed.has(change))
}

/** The history of the migrations changes by itself: it is the run's, not the migrations' doing. */
function meantChanges(before: SchemaFacts, after: SchemaFacts): readonly FactChange[] {
  return factChanges(before.facts, after.facts).filter((change) => {
    const id = change.verb === 'altered' || change.verb === 'owner' ? change.id : change.fact.id
    return schemaOf(id) !== 'supabase_migrations'
  })
}

const blocking: ReadonlySet<Finding['kind']> = new Set([
  'schema.object-dropped',
  'schema.column-dropped',
  'schema.index-invalid',
  'access.rls-disabled',
])
