import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { coverageInWords, policyCoverage } from './coverage.ts'
import type { AccessDifference } from './differences.ts'
import type { AccessFacts } from './facts.ts'
import type { FailedReads } from './failure-findings.ts'
import { number } from './row-findings.ts'

/** What the comparison of the row sets comes to. What could not be compared is `not run`, never passed. */
export function accessCheck(
  before: AccessFacts,
  after: AccessFacts,
  reads: FailedReads,
  differences: readonly AccessDifference[],
  findings: readonly Finding[],
): Check {
  const title = 'What each kind of user sees and may change, compared'
  const base = { id: 'access.row-sets', metric: 'access', title, required: true } as const
  const compared = after.probes.filter((probe) => before.relations.some(({ name }) => name === probe.relation))
  const coverage = policyCoverage(after)
  const count = (exercise: string) => coverage.filter((one) => one.exercise === exercise).length
  const users = after.identities.filter(({ userId }) => userId !== undefined).length
  const numbers = {
    identities: after.identities.length,
    users,
    kindsOfUsers: new Set(after.identities.filter(({ userId }) => userId).map(({ kind }) => kind)).size,
    tables: after.relations.length,
    probes: compared.length,
    probesInPart: compared.filter(({ only }) => only !== undefined).length,
    policies: coverage.length,
    policiesExercised: count('whole'),
    policiesPartly: count('partly'),
    policiesNever: count('never'),
    failingOnBothSides: reads.failingOnBoth,
    notComparable: reads.unknown.length,
  }
  const notRun = (reason: string): Check => ({ ...base, status: 'not run', reason, numbers })
  if (compared.length === 0) return notRun('No table that the Data API exposes is on both sides.')
  if (users === 0 && after.policies.some(({ roles }) => roles.includes('authenticated'))) {
    return notRun('The dump has no user in auth.users, so nobody could be asked what the policies for users show.')
  }
  if (reads.unknown.length > 0) {
    const tables = names(reads.unknown)
    return notRun(`${reads.unknown.length} reads ran out of time and cannot be compared: ${tables}.`)
  }
  const told = new Set(differences.filter(({ rows }) => rows > 0).map(({ relation, role }) => `${relation}\n${role}`))
  const partial = differences.filter(({ rows, relation, role }) => rows === 0 && !told.has(`${relation}\n${role}`))
  if (partial.length > 0) {
    return notRun(
      `The row sets of ${names(partial)} differ, and more rows differ than can be compared one by one; no row of those that were is gained or lost.`,
    )
  }
  const harm = findings.some(({ severity }) => severity === undefined || severity === 'blocking')
  const failing = reads.failingOnBoth > 0 ? ` ${reads.failingOnBoth} reads fail alike on both sides.` : ''
  const summary = `${who(after, users)} read ${after.relations.length} tables and views; ${coverageInWords(coverage)}.${failing}`
  return { ...base, status: harm ? 'failed' : 'passed', summary, numbers }
}

function names(of: readonly { readonly relation: string }[]): string {
  return [...new Set(of.map(({ relation }) => relation))].toSorted().join(', ')
}

function who(after: AccessFacts, users: number): string {
  if (users === 0) return 'The dump has no users and no policy is for users: only anon and service_role'
  const perTable = after.relations.map(({ name, kind }) => ({
    kind,
    users: after.probes.filter(
      (probe) => probe.relation === name && probe.only === undefined && after.identities[probe.identity]?.userId,
    ).length,
  }))
  const fewest = Math.min(users, ...perTable.map((table) => table.users))
  const costly =
    fewest < users
      ? ` (where policies are costly, ${number(fewest)} or more about all rows, the others about their own and some of everybody's)`
      : ''
  return `anon, service_role and ${number(users)} sampled users${costly}`
}
