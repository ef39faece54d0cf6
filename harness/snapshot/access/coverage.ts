import type { Finding } from '../../model/finding.ts'
import { type AccessFacts, type Policy, type RowSetName, setsOf } from './facts.ts'
import { appliesTo } from './policies.ts'
import { grantsOf } from './probe-sql.ts'

/**
 * How far somebody in the sample puts a policy to the proof: `whole`, one of those whom it applies to reaches a row by
 * its command and is refused another; `partly`, only one of these happens; `never`, nobody whom it applies to was asked,
 * or the table has no row.
 */
export type Exercise = 'whole' | 'partly' | 'never'

export type Coverage = { readonly policy: Policy; readonly exercise: Exercise; readonly why: string }

const setsOfCommand: Readonly<Record<Policy['command'], readonly RowSetName[]>> = {
  select: ['seen'],
  update: ['updatable'],
  delete: ['deletable'],
  insert: ['insertable'],
  all: ['seen', 'updatable'],
}

/** One for each policy, in their order. */
export function policyCoverage(facts: AccessFacts): Coverage[] {
  const relations = new Map(facts.relations.map((relation) => [relation.name, relation]))
  return facts.policies.map((policy) => {
    const relation = relations.get(policy.relation)
    const rows = relation?.rows ?? 0
    const asked = facts.probes.flatMap(({ relation: name, identity, outcome, only }) => {
      const role = facts.identities[identity]?.role ?? ''
      const applies = name === policy.relation && appliesTo(policy, role, policy.command)
      const bypass = relation === undefined || grantsOf(relation, role).bypass || !relation.rowSecurity
      return applies && !bypass && outcome.state === 'read' ? [{ sets: setsOf(outcome), rows: only?.rows ?? rows }] : []
    })
    const reached = setsOfCommand[policy.command].every((set) => asked.some(({ sets }) => sets[set].count > 0))
    const refused = setsOfCommand[policy.command].every((set) => asked.some((one) => one.sets[set].count < one.rows))
    const hidesNothing = (policy.check ?? policy.using) === 'true' && policy.permissive
    const why =
      asked.length === 0
        ? 'nobody whom it applies to could be asked'
        : rows === 0
          ? 'its table has no rows'
          : !reached
            ? 'it lets nobody in the sample through'
            : refused || hidesNothing
              ? ''
              : 'it refuses nobody in the sample'
    const exercise = why === '' ? 'whole' : asked.length === 0 || rows === 0 ? 'never' : 'partly'
    return { policy, exercise, why }
  })
}

export type Unexercised = {
  readonly touched: readonly Coverage[]
  readonly dropped: readonly Coverage[]
  readonly asBefore: readonly Coverage[]
}

/** Policies that the sample does not put to the proof: those that the migrations touch, those that are gone, the others. */
export function unexercised(before: AccessFacts, after: AccessFacts): Unexercised {
  const old = new Map(before.policies.map((policy) => [nameOf(policy), JSON.stringify(policy)]))
  const now = policyCoverage(after).filter(({ exercise }) => exercise !== 'whole')
  const names = new Set(after.policies.map(nameOf))
  const isTouched = ({ policy }: Coverage) => old.get(nameOf(policy)) !== JSON.stringify(policy)
  return {
    touched: now.filter(isTouched),
    dropped: policyCoverage(before).filter(
      ({ policy, exercise }) => !names.has(nameOf(policy)) && exercise !== 'whole',
    ),
    asBefore: now.filter((coverage) => !isTouched(coverage)),
  }
}

/**
 * A warning where the migrations touch a policy that nobody puts to the proof, else for information. `exercised`: names
 * of those that made-up rows put to it.
 */
export function coverageFindings(
  before: AccessFacts,
  after: AccessFacts,
  exercised: ReadonlySet<string> = new Set(),
): Finding[] {
  const { touched, dropped, asBefore } = unexercised(before, after)
  const left = (coverages: readonly Coverage[]) => coverages.filter(({ policy }) => !exercised.has(nameOf(policy)))
  return [
    ...findings(left(touched), 'new or changed', 'warning'),
    ...findings(left(dropped), 'gone or renamed', 'warning'),
    ...findings(asBefore, 'as before', 'info'),
  ]
}

export function nameOf({ relation, name }: Policy): string {
  return `${relation}\n${name}`
}

function findings(coverages: readonly Coverage[], state: string, severity: 'warning' | 'info'): Finding[] {
  return [...Map.groupBy(coverages, ({ policy }) => policy.relation)].map(([relation, all]) => ({
    kind: 'access.policy-unexercised',
    object: relation,
    title: `${all.length === 1 ? 'A policy' : `${all.length} policies`} of ${relation}, ${state}, ${all.length === 1 ? 'was' : 'were'} not put to the proof by anybody in the sample.`,
    evidence: all.map(({ policy, why }) => `"${policy.name}", for ${policy.command}: ${why}`),
    severity,
  }))
}

/** `17 of 19 policies were put to the proof …; not: "admins invite" on public.invitations` */
export function coverageInWords(coverages: readonly Coverage[]): string {
  const whole = coverages.filter(({ exercise }) => exercise === 'whole').length
  const others = coverages.filter(({ exercise }) => exercise !== 'whole')
  const named = others.slice(0, 3).map(({ policy }) => `"${policy.name}" on ${policy.relation}`)
  const more = others.length - named.length
  const but = others.length === 0 ? '' : `, not ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return `${whole} of ${coverages.length} policies both let somebody through and refused somebody${but}`
}
