import type { Finding, FindingKind } from '../../model/finding.ts'
import type { AccessDifference } from './differences.ts'
import { type AccessFacts, emptySet, type RowSetName, setsOf } from './facts.ts'
import { reproduce } from './impersonate.ts'
import { subject } from './subjects.ts'

/** Rows gained or lost, one finding for each table, role and direction; the writes of one direction together. */
export function rowFindings(after: AccessFacts, differences: readonly AccessDifference[]): Finding[] {
  const groups = new Map<string, AccessDifference[]>()
  for (const difference of differences) {
    const key = `${difference.relation}\n${difference.role}\n${kindOf(difference)}`
    groups.set(key, [...(groups.get(key) ?? []), difference])
  }
  return [...groups.values()].map((group) => finding(after, group))
}

/** Kinds of users named in one finding. */
const mostKinds = 8

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
  const count = `${number(rows)} ${rows === 1 ? 'row' : 'rows'}`
  const title =
    set === 'seen'
      ? `${subject(role)} ${direction} ${count} of ${relation}${sampled(after, main)}.`
      : `${subject(role)} can ${direction === 'gained' ? 'now' : 'no longer'} ${verbs[set]} ${count} of ${relation}${sampled(after, main)}.`
  const evidence = group.flatMap((difference) => [
    ...(difference === main
      ? []
      : [`${verbs[difference.set]}: ${number(difference.rows)} rows ${difference.direction}`]),
    ...byKind(after, difference),
  ])
  const first = main.identities.toSorted((a, b) => b.rows - a.rows || a.identity - b.identity)[0]
  const identity = first && after.identities[first.identity]
  const statement = set === 'seen' ? `select count(*) from ${relation}` : `explain analyze ${example(set, relation)}`
  return {
    kind: kindOf(main),
    object: relation,
    role,
    title,
    evidence: identity ? [...evidence, `To repeat: ${reproduce(identity, statement)}`] : evidence,
  }
}

function example(set: RowSetName, relation: string): string {
  if (set === 'deletable') return `delete from ${relation} where true`
  if (set === 'updatable') return `update ${relation} set … where true`
  return `insert into ${relation} select …`
}

/** ` (12 of 14 sampled users)`; nothing for anon and service_role, of which there is one. */
function sampled(after: AccessFacts, { relation, role, identities }: AccessDifference): string {
  const asked = after.probes.filter(
    (probe) => probe.relation === relation && after.identities[probe.identity]?.role === role,
  )
  if (role === 'anon' || role === 'service_role') return ''
  return ` (${identities.length} of ${asked.length} sampled users)`
}

/** `viewer, google, confirmed: 2 of 2 users, 980 rows each, 990 seen now` */
function byKind(after: AccessFacts, { relation, role, set, direction, identities }: AccessDifference): string[] {
  if (role === 'anon' || role === 'service_role') return []
  const rows = new Map(identities.map((one) => [one.identity, one.rows]))
  const kinds = new Map<string, { asked: number; rows: number[]; now: number[] }>()
  for (const probe of after.probes) {
    const identity = after.identities[probe.identity]
    if (probe.relation !== relation || identity?.role !== role) continue
    const kind = kinds.get(identity.label) ?? { asked: 0, rows: [], now: [] }
    kinds.set(identity.label, kind)
    kind.asked += 1
    const changed = rows.get(probe.identity)
    if (changed === undefined) continue
    kind.rows.push(changed)
    kind.now.push((setsOf(probe.outcome)[set] ?? emptySet).count)
  }
  const lines = [...kinds]
    .filter(([, kind]) => kind.rows.length > 0)
    .map(
      ([label, kind]) =>
        `${label}: ${kind.rows.length} of ${kind.asked} users ${direction} ${range(kind.rows)} rows, and can ${verbs[set]} ${range(kind.now)} now`,
    )
  const more = lines.length - mostKinds
  return more > 0 ? [...lines.slice(0, mostKinds), `… and ${more} more kinds of users`] : lines
}

function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? number(low) : `${number(low)} to ${number(high)}`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}
