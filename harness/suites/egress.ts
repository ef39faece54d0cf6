import type { Check } from '../model/check.ts'
import type { Finding, Place } from '../model/finding.ts'
import type { SidedAttempt } from './control.ts'

/** The findings and the check that attempts to leave the machine make: one finding for each who tried and each host. */
export function egressEvidence(
  attempts: readonly SidedAttempt[],
  functions: number,
): { findings: Finding[]; checks: Check[] } {
  const groups = Map.groupBy(attempts, ({ function: name, host }) => `${name}\0${host}`)
  const findings = [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) => (group[0] === undefined ? [] : [findingOf(group[0], group)]))
  const check: Check = {
    id: 'features.egress',
    metric: 'features',
    title: 'Nothing left the machine',
    required: functions > 0,
    status: findings.length === 0 ? 'passed' : 'failed',
    summary: `${functions === 0 ? 'There are no edge functions' : `${functions} functions ran without network`}, and the database sent nothing; ${attempts.length} attempts to reach another host.`,
    numbers: { functions, attempts: attempts.length },
  }
  return { findings, checks: [check] }
}

function findingOf({ function: name, host }: SidedAttempt, group: readonly SidedAttempt[]): Finding {
  const places = [...new Set(group.flatMap(({ where }) => where ?? []))].sort()
  const sides = [...new Set(group.map(({ side }) => side))].sort((one, other) => (one < other ? 1 : -1)).join(' and ')
  const database = /^database: (.+)$/.exec(name)?.[1]
  const who = database === undefined ? `The function ${name}` : `In the database, ${database}`
  return {
    kind: 'egress.attempted',
    object: name,
    title: `${who} tried to reach ${host}${places.length === 1 ? ` (${places[0]})` : ''}; it was not let through`,
    evidence: [
      `seen on ${sides}, ${group.length} ${group.length === 1 ? 'time' : 'times'}`,
      ...places.map((place) => `in ${place}`),
    ],
    ...(database === undefined && places[0] !== undefined ? { where: placeOf(places[0]) } : {}),
  }
}

/** From `file:line`. */
function placeOf(where: string): Place {
  const [, file = where, line = '1'] = /^(.*):(\d+)$/.exec(where) ?? []
  return { file, line: Number(line) }
}
