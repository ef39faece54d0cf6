import type { Finding, FindingKind } from '../../model/finding.ts'
import type { AccessDifference } from './differences.ts'
import { type AccessFacts, type RowSetName, setsOf } from './facts.ts'
import { reproduce } from './impersonate.ts'
import { showing } from './showing.ts'
import { subjectOf } from './subjects.ts'

/** Rows gained or lost, one finding for each table, role and direction; the writes of one direction together. */
export function rowFindings(after: AccessFacts, differences: readonly AccessDifference[]): Finding[] {
  const groups = new Map<string, AccessDifference[]>()
  for (const difference of differences.filter(({ rows }) => rows > 0)) {
    const key = `${difference.relation}\n${difference.role}\n${kindOf(difference)}`
    groups.set(key, [...(groups.get(key) ?? []), difference])
  }
  return [...groups.values()].map((group) => finding(after, group))
}

/** Kinds of users named in one finding. */
const mostTraits = 8

function kindOf({ set, direction }: AccessDifference): FindingKind {
  return set === 'seen' ? `access.rows-${direction}` : `access.write-${direction}`
}

const verbs: Readonly<Record<RowSetName, string>> = {
  seen: 'see',
  updatable: 'update',
  deletable: 'delete',
  insertable: 'insert copies of',
}

function finding(after: AccessFacts, group: readonly AccessDifference[]): Finding {
  // The widest of them stands in the title; the others follow in the evidence.
  const [main] = group.toSorted((a, b) => b.rows - a.rows)
  if (main === undefined) throw new TypeError('A finding needs a difference.')
  const { relation, role, set, direction, rows } = main
  const count = `${main.complete ? '' : 'at least '}${number(rows)} ${rows === 1 ? 'row' : 'rows'}`
  const asked = askedAbout(after, main).map(({ identity }) => identity)
  const concerned = main.identities.map(({ identity }) => identity)
  const subject = subjectOf(after, concerned, asked, role)
  const sampled = isOne(role) ? '' : ` (${concerned.length} of ${subject.asked} sampled users)`
  const title =
    set === 'seen'
      ? `${subject.who} ${direction} ${count} of ${relation}${sampled}.`
      : `${subject.who} can ${direction === 'gained' ? 'now' : 'no longer'} ${verbs[set]} ${count} of ${relation}${sampled}.`
  const evidence = group.flatMap((difference) => [
    ...(difference === main
      ? []
      : [`${verbs[difference.set]}: ${number(difference.rows)} rows ${difference.direction}`]),
    ...byTrait(after, difference),
  ])
  const first = main.identities.toSorted((a, b) => b.rows - a.rows || a.identity - b.identity)[0]
  const identity = first && after.identities[first.identity]
  const shown = after.relations.find(({ name }) => name === relation)
  const statement = shown && showing(set, shown, role)
  return {
    kind: kindOf(main),
    object: relation,
    role,
    title,
    evidence: identity && statement ? [...evidence, `To repeat: ${reproduce(identity, statement)}`] : evidence,
  }
}

function isOne(role: string): boolean {
  return role === 'anon' || role === 'service_role'
}

function askedAbout(after: AccessFacts, { relation, role }: AccessDifference): AccessFacts['probes'] {
  return after.probes.filter((probe) => probe.relation === relation && after.identities[probe.identity]?.role === role)
}

/** `viewers of an event: 2 of 2 users gained 980 rows, and can see 990 now`, those first of whom all are concerned. */
function byTrait(after: AccessFacts, difference: AccessDifference): string[] {
  const { role, set, direction, identities } = difference
  if (isOne(role)) return []
  const rows = new Map(identities.map((one) => [one.identity, one.rows]))
  const traits = new Map<string, { asked: number; rows: number[]; now: number[] }>()
  for (const { identity: index, outcome } of askedAbout(after, difference)) {
    const identity = after.identities[index]
    for (const trait of new Set(identity?.traits?.map(({ many }) => many) ?? [identity?.label ?? role])) {
      const people = traits.get(trait) ?? { asked: 0, rows: [], now: [] }
      traits.set(trait, people)
      people.asked += 1
      const changed = rows.get(index)
      if (changed === undefined) continue
      people.rows.push(changed)
      people.now.push(setsOf(outcome)[set].count)
    }
  }
  const lines = [...traits]
    .filter(([, people]) => people.rows.length > 0)
    .toSorted(([, a], [, b]) => b.rows.length / b.asked - a.rows.length / a.asked || b.rows.length - a.rows.length)
    .map(
      ([trait, people]) =>
        `${trait}: ${people.rows.length} of ${people.asked} ${direction} ${range(people.rows)} rows, and can ${verbs[set]} ${range(people.now)} now`,
    )
  const more = lines.length - mostTraits
  return more > 0 ? [...lines.slice(0, mostTraits), `… and ${more} more kinds of users`] : lines
}

function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? number(low) : `${number(low)} to ${number(high)}`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}
