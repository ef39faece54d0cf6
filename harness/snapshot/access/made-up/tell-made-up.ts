import type { Check } from '../../../model/check.ts'
import type { Finding } from '../../../model/finding.ts'
import { merge } from '../compare.ts'
import { coverageFindings } from '../coverage.ts'
import { type AccessFacts, setsOf } from '../facts.ts'
import { number, rowFindings } from '../row-findings.ts'
import { subject } from '../subjects.ts'
import type { MadeUp } from './try-made-up.ts'

type Told = { readonly findings: readonly Finding[]; readonly checks: readonly Check[] }

/** What was found on real rows, with what the made-up ones add: findings, and policies put to the proof after all. */
export function tellMadeUp(told: Told, before: AccessFacts, after: AccessFacts, madeUp: MadeUp | undefined): Told {
  if (madeUp === undefined) return told
  const real = told.findings.filter(({ kind }) => kind !== 'access.policy-unexercised')
  const findings = madeUpFindings(before, madeUp, real)
  const harm = findings.some(({ severity }) => severity === undefined)
  const proven = madeUp.exercised.size
  return {
    findings: merge([...real, ...findings, ...coverageFindings(before, after, madeUp.exercised)]),
    checks: told.checks.map((check) =>
      check.id === 'access.row-sets'
        ? {
            ...check,
            ...(check.status === 'passed' && harm ? { status: 'failed' as const } : {}),
            ...(check.summary === undefined || proven === 0
              ? {}
              : { summary: `${check.summary.replace(/\.$/, '')}; ${proven} more did with made-up rows.` }),
            numbers: { ...check.numbers, policiesExercisedMadeUp: proven },
          }
        : check,
    ),
  }
}

/** Of what real rows do not tell already. What nobody has yet is lost
 * to nobody, and what its owners gain may be the purpose: warnings. */
export function madeUpFindings(before: AccessFacts, madeUp: MadeUp, told: readonly Finding[] = []): Finding[] {
  const isTold = (one: Finding) =>
    told.some(({ kind, object, role }) => kind === one.kind && object === one.object && role === one.role)
  const changed = rowFindings(madeUp.after, madeUp.differences).map((finding): Finding => {
    const made = madeUp.rows.get(finding.object)?.length ?? 0
    const isHarmless = finding.kind.endsWith('-lost') || !strangersGain(madeUp, finding)
    return {
      ...finding,
      title: finding.title.replace(/\.$/, ', with made-up rows.'),
      evidence: [
        `Tried with ${number(made)} made-up rows on copies of both sides, since nobody puts its policies to the proof on real ones.`,
        ...finding.evidence.filter((line) => !line.startsWith('To repeat: ')),
      ],
      ...(isHarmless ? { severity: 'warning' as const } : {}),
    }
  })
  const known = new Set(before.relations.map(({ name }) => name))
  const shown = [...madeUp.rows.keys()]
    .filter((name) => !known.has(name))
    .flatMap((name) => shownToStrangers(madeUp, name))
  return [...changed, ...shown].filter((finding) => !isTold(finding))
}

/** Whether somebody now reaches more of the rows than their own and those that name what they see. */
function strangersGain({ after, differences, rows }: MadeUp, { object, role, kind }: Finding): boolean {
  const made = rows.get(object) ?? []
  return differences.some(
    (one) =>
      one.relation === object &&
      one.role === role &&
      one.direction === 'gained' &&
      (one.set === 'seen') === (kind === 'access.rows-gained') &&
      one.identities.some(({ identity }) => {
        const outcome = after.probes.find((probe) => probe.relation === object && probe.identity === identity)?.outcome
        const mine = made.filter(({ owner, near, isTied }) => isTied && (owner === identity || near.includes(identity)))
        return outcome !== undefined && setsOf(outcome)[one.set].count > mine.length
      }),
  )
}

/** A new table in which a user's row is seen by those who are neither its owner nor see anything that it names. */
function shownToStrangers({ after, rows }: MadeUp, relation: string): Finding[] {
  const made = (rows.get(relation) ?? []).filter(({ isTied }) => isTied)
  const key = after.relations.find(({ name }) => name === relation)?.key.columns.join()
  const counts = new Map<string, { asked: number; seen: number }>()
  const own = { asked: 0, seen: 0 }
  for (const { relation: name, identity, outcome } of after.probes) {
    const role = after.identities[identity]?.role ?? ''
    if (name !== relation || outcome.state === 'failed' || role === 'service_role') continue
    const isKnown = outcome.state === 'read' && outcome.key.join() === key
    const hashes = new Set(
      isKnown ? (outcome.rows ?? outcome.some ?? '').split(',').map((row) => row.split(':')[0]) : [],
    )
    const count = counts.get(role) ?? { asked: 0, seen: 0 }
    counts.set(role, count)
    for (const { owner, near, hash } of made) {
      const to = owner === identity ? own : near.includes(identity) ? undefined : count
      if (to === undefined) continue
      to.asked += 1
      if (hashes.has(hash)) to.seen += 1
    }
  }
  return [...counts].flatMap(([role, { asked, seen }]) => {
    // A few who see everything are admins.
    if (asked === 0 || seen * 2 <= asked) return []
    return [
      {
        kind: 'access.rows-gained',
        object: relation,
        role,
        title: `${subject(role)} would see rows of other users in the new table ${relation}.`,
        evidence: [
          `Tried with ${number(made.length)} made-up rows: strangers see ${number(seen)} of ${number(asked)} rows of others, and owners ${number(own.seen)} of ${number(own.asked)} of their own.`,
        ],
        fix: 'If its rows are not for everybody, compare a column with auth.uid() in its policies.',
        severity: 'warning' as const,
      },
    ]
  })
}
