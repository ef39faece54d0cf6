import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { AccessDifference } from './differences.ts'
import { exposureFindings } from './exposure-findings.ts'
import { type AccessFacts, setsOf } from './facts.ts'
import { brokenWriteFindings, type FailedReads, failedReads } from './failure-findings.ts'
import { grantFindings } from './grant-findings.ts'
import { appliesTo } from './policies.ts'
import { number, rowFindings } from './row-findings.ts'

export type CompareAccessOptions = {
  /** The limit that the probes had, in milliseconds. Default: 5,000. */
  readonly probeTimeout?: number
}

/**
 * Who gained or lost what. `differences` are those of `takeAccessDifferences` for the same facts. Tables that are on one
 * side only are no gain or loss here, but for a new one that is open to everyone.
 */
export function compareAccess(
  before: AccessFacts,
  after: AccessFacts,
  differences: readonly AccessDifference[],
  { probeTimeout = 5_000 }: CompareAccessOptions = {},
): { findings: Finding[]; checks: Check[] } {
  const reads = failedReads(before, after, probeTimeout)
  const findings = merge([
    ...exposureFindings(before, after),
    ...reads.findings,
    ...rowFindings(after, differences),
    ...brokenWriteFindings(before, after, reads.findings),
    ...grantFindings(before, after),
  ])
  return { findings, checks: [check(before, after, reads, findings)] }
}

/** One finding for each kind, object and role: the first stands, the later ones become lines of its evidence. */
function merge(findings: readonly Finding[]): Finding[] {
  const merged = new Map<string, Finding>()
  for (const finding of findings) {
    // A column's grant is a matter of its own, which an expectation names by the column.
    const key = [finding.kind, finding.object, finding.role, ...(finding.columns ?? [])].join('\n')
    const first = merged.get(key)
    if (first === undefined) merged.set(key, finding)
    else merged.set(key, { ...first, evidence: [...first.evidence, finding.title, ...finding.evidence] })
  }
  return [...merged.values()].toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

function sortKey({ kind, object, role, columns }: Finding): string {
  return [kind, object, role, ...(columns ?? [])].join('\n')
}

function check(before: AccessFacts, after: AccessFacts, reads: FailedReads, findings: readonly Finding[]): Check {
  const title = 'What each kind of user sees and may change, compared'
  const base = { id: 'access.row-sets', metric: 'access', title, required: true } as const
  const compared = after.probes.filter((probe) => before.relations.some(({ name }) => name === probe.relation))
  const exercised = after.policies.filter((policy) => isExercised(after, policy)).length
  const numbers = {
    identities: after.identities.length,
    users: after.identities.filter(({ userId }) => userId !== undefined).length,
    tables: after.relations.length,
    probes: compared.length,
    policies: after.policies.length,
    policiesExercised: exercised,
    failingOnBothSides: reads.failingOnBoth,
    notComparable: reads.unknown.length,
  }
  const { unknown } = reads
  const users = after.identities.filter(({ userId }) => userId !== undefined).length
  if (users === 0 && after.policies.some(({ roles }) => roles.includes('authenticated'))) {
    const reason = 'The dump has no user in auth.users, so nobody could be asked what the policies for users show.'
    return { ...base, status: 'not run', reason, numbers }
  }
  if (compared.length === 0) {
    const reason = 'No table that the Data API exposes is on both sides.'
    return { ...base, status: 'not run', reason, numbers }
  }
  if (unknown.length > 0) {
    const tables = [...new Set(unknown.map(({ relation }) => relation))].toSorted().join(', ')
    const reason = `${unknown.length} reads ran out of time and cannot be compared: ${tables}.`
    return { ...base, status: 'not run', reason, numbers }
  }
  const harm = findings.some(({ severity }) => severity === undefined || severity === 'blocking')
  return { ...base, status: harm ? 'failed' : 'passed', summary: summary(after, reads, exercised), numbers }
}

function summary(after: AccessFacts, { failingOnBoth }: FailedReads, exercised: number): string {
  const users = after.identities.filter(({ userId }) => userId !== undefined).length
  const perTable = after.relations.map(
    ({ name }) =>
      after.probes.filter((probe) => probe.relation === name && after.identities[probe.identity]?.userId).length,
  )
  const fewest = perTable.length > 0 ? Math.min(...perTable) : 0
  if (users === 0) {
    return `The dump has no users, and no policy is for users: only anon and service_role read ${after.relations.length} tables and views.`
  }
  const sample =
    fewest < users
      ? `${users} sampled users (at least ${fewest} at each table, fewer where policies are costly)`
      : `${users} sampled users`
  const failing = failingOnBoth > 0 ? ` ${failingOnBoth} reads fail alike on both sides.` : ''
  return `anon, service_role and ${sample} read ${after.relations.length} tables and views; ${exercised} of ${number(after.policies.length)} policies let at least one of them through.${failing}`
}

const setOfCommand = {
  select: 'seen',
  update: 'updatable',
  delete: 'deletable',
  insert: 'insertable',
  all: 'seen',
} as const

/** Whether somebody whom the policy applies to reached at least one row by that command. */
function isExercised(facts: AccessFacts, policy: AccessFacts['policies'][number]): boolean {
  return facts.probes.some((probe) => {
    if (probe.relation !== policy.relation) return false
    const role = facts.identities[probe.identity]?.role ?? ''
    return appliesTo(policy, role, policy.command) && setsOf(probe.outcome)[setOfCommand[policy.command]].count > 0
  })
}
