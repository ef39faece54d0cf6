import type { Database } from './database/engine.ts'
import type { Check } from './model/check.ts'
import type { Finding } from './model/finding.ts'
import { compareAccess } from './snapshot/access/compare.ts'
import { takeAccessDifferences } from './snapshot/access/differences.ts'
import { type AccessFacts, type Probe, placeOf, setsOf } from './snapshot/access/facts.ts'
import { takeAccess } from './snapshot/access/take.ts'

const base = {
  id: 'rollback.access',
  metric: 'data',
  title: 'After the rollback users reach what they reached before',
  required: false,
} as const

/** Users who are asked about each table, at most so many of them because the migrations gave them rows there, or took some. */
const usersPerRelation = 4
const concernedPerRelation = 3

export type KnownAccess = {
  /** What was seen on before; absent when the row sets could not be read. */
  readonly access?: AccessFacts | undefined
  /** What the same identities saw after the migrations. */
  readonly later?: AccessFacts | undefined
}

export type AccessLeft = { readonly findings: readonly Finding[]; readonly check: Check }

/** A check that did not come to it, and why. */
export const accessNotAsked = (status: 'not run' | 'not configured', reason: string): Check => ({
  ...base,
  status,
  reason,
})

/**
 * Asks a few users on the copy that was taken back what they see and may write there, and compares it with what they told
 * on before: first those whose rows the migrations changed, whose rows the scripts must bring back. Throws
 * `database.failed`, `aborted`.
 */
export async function compareAccessBack(
  before: Database,
  back: Database,
  { access, later }: KnownAccess,
  signal: AbortSignal,
): Promise<AccessLeft> {
  if (access === undefined)
    return { findings: [], check: accessNotAsked('not run', 'what users see before the migrations could not be read') }
  const was = { ...access, probes: sampleOf(access, later) }
  const is = await takeAccess(back, access.identities, { signal, like: was })
  const differences = await takeAccessDifferences(
    { database: before, facts: was },
    { database: back, facts: is },
    { signal },
  )
  const harm = compareAccess(was, is, differences).findings.filter(
    ({ kind, severity }) =>
      severity === undefined && /^access\.(rows|write)-(lost|gained)$|^access\.rls-disabled$/.test(kind),
  )
  const findings = [...Map.groupBy(harm, ({ object }) => object)].map(
    ([object, own]): Finding => ({
      kind: 'rollback.incomplete',
      object,
      title: `After the rollback, compared with before: ${own[0]?.title ?? ''}`,
      evidence: own.flatMap(({ title, evidence }, index) => [...(index === 0 ? [] : [title]), ...evidence]),
      fix: 'Let the rollback make the policies and grants of before again: what each script drops or replaces, it has to restore.',
    }),
  )
  const asked = new Set(was.probes.map(({ identity }) => identity))
  const users = [...asked].filter((index) => access.identities[index]?.userId !== undefined).length
  const relations = new Set(was.probes.map(({ relation }) => relation)).size
  const who = `${users} users, and the roles of the API, ${findings.length === 0 ? 'see and may change what they did before' : 'do not all see and change what they did before'}`
  const check: Check = {
    ...base,
    status: findings.length === 0 ? 'passed' : 'failed',
    summary: `${who}, in ${relations} tables and views${findings.length === 0 ? '' : `; ${findings.length} of them differ`}.`,
    numbers: { usersAsked: users, relations, differences: findings.length },
  }
  return { findings, check }
}

/**
 * The probes of before to make again: those of the API's roles, and of a few users at each table, first of those whose
 * answer the migrations changed. Where policies are costly, those who were asked about a part of the rows come first. Pure.
 */
export function sampleOf({ identities, probes }: AccessFacts, later: AccessFacts | undefined): readonly Probe[] {
  const answerOf = ({ outcome }: Probe) => JSON.stringify([outcome.state, setsOf(outcome)])
  const now = new Map((later?.probes ?? []).map((probe) => [placeOf(probe), answerOf(probe)]))
  const isUser = ({ identity }: Probe) => identities[identity]?.userId !== undefined
  const chosen = new Set(probes.filter((probe) => !isUser(probe)))
  for (const own of Map.groupBy(probes.filter(isUser), ({ relation }) => relation).values()) {
    const cheapFirst = [
      ...own.filter(({ only }) => only !== undefined),
      ...own.filter(({ only }) => only === undefined),
    ]
    const concerned = cheapFirst.filter((probe) => (now.get(placeOf(probe)) ?? answerOf(probe)) !== answerOf(probe))
    const first = concerned.slice(0, concernedPerRelation)
    const others = cheapFirst.filter((probe) => !first.includes(probe))
    for (const probe of [...first, ...others].slice(0, usersPerRelation)) chosen.add(probe)
  }
  return probes.filter((probe) => chosen.has(probe))
}
