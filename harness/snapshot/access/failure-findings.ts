import type { Finding } from '../../model/finding.ts'
import type { AccessFacts, Probe } from './facts.ts'
import { reproduce } from './impersonate.ts'
import { sqlstateInWords, timedOut } from './sqlstates.ts'
import { subject } from './subjects.ts'

/** Above this share of the limit a read before the migration was too close to it for a time-out after it to prove harm. */
export const clearlyFaster = 0.5

export type FailedReads = {
  readonly findings: readonly Finding[]
  /** Reads of which nothing can be said: they ran out of time on both sides, or nearly so before. */
  readonly unknown: readonly Probe[]
  /** Reads that fail with the same error on both sides. */
  readonly failingOnBoth: number
}

/** Reads that Postgres refuses on after and answered on before: for whoever asked, every row is lost. */
export function failedReads(before: AccessFacts, after: AccessFacts, probeTimeout: number): FailedReads {
  const old = new Map(before.probes.map((probe) => [`${probe.relation}\n${probe.identity}`, probe]))
  const groups = new Map<string, { probes: Probe[]; role: string; sqlstate: string }>()
  const unknown: Probe[] = []
  let failingOnBoth = 0
  for (const probe of after.probes) {
    const was = old.get(`${probe.relation}\n${probe.identity}`)
    if (was === undefined) continue
    const { outcome } = probe
    if (outcome.state !== 'failed') {
      if (was.outcome.state === 'failed' && was.outcome.sqlstate === timedOut) unknown.push(probe)
      continue
    }
    const nearly = outcome.sqlstate === timedOut && was.milliseconds > probeTimeout * clearlyFaster
    if (nearly) unknown.push(probe)
    else if (was.outcome.state === 'failed') failingOnBoth += 1
    else {
      const role = after.identities[probe.identity]?.role ?? ''
      const key = `${probe.relation}\n${role}\n${outcome.sqlstate}`
      const group = groups.get(key) ?? { probes: [], role, sqlstate: outcome.sqlstate }
      group.probes.push(probe)
      groups.set(key, group)
    }
  }
  return { findings: [...groups.values()].map((group) => failure(after, group)), unknown, failingOnBoth }
}

function failure(after: AccessFacts, group: { probes: readonly Probe[]; role: string; sqlstate: string }): Finding {
  const { probes, role, sqlstate } = group
  const relation = probes[0]?.relation ?? ''
  const identity = after.identities[probes[0]?.identity ?? 0]
  const users = role === 'authenticated' ? ` (${probes.length} sampled users)` : ''
  return {
    kind: 'access.rows-lost',
    object: relation,
    role,
    title: `${subject(role)} can no longer read ${relation}: the query fails with ${sqlstateInWords(sqlstate)}${users}.`,
    evidence: identity ? [`To repeat: ${reproduce(identity, `select count(*) from ${relation}`)}`] : [],
    fix: 'Look at the policies of the table and at the functions and tables that they read.',
  }
}

/** Writes that can no longer be planned, but for those whose read fails alike. */
export function brokenWriteFindings(before: AccessFacts, after: AccessFacts, reads: readonly Finding[]): Finding[] {
  const old = new Set(before.brokenWrites.map((one) => `${one.relation}\n${one.role}\n${one.command}`))
  const known = new Set(before.relations.map(({ name }) => name))
  const told = new Set(reads.map(({ object, role }) => `${object}\n${role}`))
  const commands = { updatable: 'UPDATE', deletable: 'DELETE', insertable: 'INSERT' } as const
  const groups = Map.groupBy(
    after.brokenWrites.filter(
      (one) =>
        known.has(one.relation) &&
        !old.has(`${one.relation}\n${one.role}\n${one.command}`) &&
        !told.has(`${one.relation}\n${one.role}`),
    ),
    ({ relation, role, sqlstate }) => `${relation}\n${role}\n${sqlstate}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { relation, role, sqlstate } = first
    const names = group.map(({ command }) => commands[command]).join(', ')
    const finding: Finding = {
      kind: 'access.write-lost',
      object: relation,
      role,
      title: `${subject(role)} can no longer write ${relation}: ${names} fails with ${sqlstateInWords(sqlstate)}.`,
      evidence: [`Postgres refuses to plan ${names} on ${relation} as role ${role}.`],
    }
    return [finding]
  })
}
