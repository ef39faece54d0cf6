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
  const asked = [...new Set(after.probes.map(({ identity }) => identity))].flatMap(
    (index) => after.identities[index] ?? [],
  )
  const users = asked.filter(({ userId }) => userId !== undefined).length
  const perTable = usersPerTable(after)
  const numbers = {
    identities: asked.length,
    users,
    usersFewest: Math.min(users, ...perTable.map((table) => table.asked)),
    kindsOfUsers: new Set(asked.filter(({ userId }) => userId).map(({ kind }) => kind)).size,
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
  const summary = `${who(perTable, users)}; ${coverageInWords(coverage)}.${failing}`
  return { ...base, status: harm ? 'failed' : 'passed', summary, numbers }
}

function names(of: readonly { readonly relation: string }[]): string {
  return [...new Set(of.map(({ relation }) => relation))].toSorted().join(', ')
}

type TableAsked = { readonly asked: number; readonly whole: number }

/** How many users were asked about each relation, and how many of them about all of its rows. */
function usersPerTable({ relations, probes, identities }: AccessFacts): readonly TableAsked[] {
  const byRelation = Map.groupBy(probes, ({ relation }) => relation)
  return relations.map(({ name }) => {
    const users = (byRelation.get(name) ?? []).filter(({ identity }) => identities[identity]?.userId !== undefined)
    return { asked: users.length, whole: users.filter(({ only }) => only === undefined).length }
  })
}

function who(perTable: readonly TableAsked[], users: number): string {
  const read = `read ${perTable.length} tables and views`
  if (users === 0) return `The dump has no users and no policy is for users: only anon and service_role ${read}`
  const fewest = Math.min(...perTable.map(({ asked }) => asked))
  const fewestWhole = Math.min(...perTable.map(({ whole }) => whole))
  const costly =
    fewestWhole < fewest
      ? ` (where policies are costly, ${number(fewestWhole)} or more about all rows, the others about their own and some of everybody's)`
      : ''
  const range = fewest < users ? `${number(fewest)} to ${number(users)}` : number(users)
  return `anon, service_role and ${range} sampled users${costly} ${read}`
}
