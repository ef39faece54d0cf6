import type { Check } from '../../../model/check.ts'
import type { Finding } from '../../../model/finding.ts'
import type { AccessFacts } from '../facts.ts'
import { reproduce } from '../impersonate.ts'
import { number } from '../row-findings.ts'
import { showing } from '../showing.ts'
import { sqlstateInWords, timedOut } from '../sqlstates.ts'
import { subjectOf } from '../subjects.ts'
import { type Answer, accepted, type TriedWrite } from './try-writes.ts'

const setOf = { update: 'updatable', delete: 'deletable', insert: 'insertable' } as const
const verbs = { update: 'update', delete: 'delete', insert: 'insert' } as const

/** Writes that were accepted and are refused, or the other way round; one finding for each table, role and direction. */
export function compareWrites(
  facts: AccessFacts,
  tried: readonly TriedWrite[],
  told: readonly Finding[] = [],
): { findings: Finding[]; checks: Check[] } {
  const changed = tried.filter((one) => one.stable && accepted(one.before) !== accepted(one.after) && !nearTimeout(one))
  const groups = Map.groupBy(changed, (one) => {
    const direction = accepted(one.after) ? 'gained' : 'lost'
    return [direction, one.relation, facts.identities[one.identity]?.role].join('\n')
  })
  const findings = [...groups.values()]
    .flatMap((group) => finding(facts, tried, group))
    // A privilege that is gone is told by its columns already.
    .filter(
      (one) => !told.some(({ kind, object, role }) => kind === one.kind && object === one.object && role === one.role),
    )
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
  return { findings, checks: [check(facts, tried, findings)] }
}

function sortKey({ kind, object, role }: Finding): string {
  return [kind, object, role].join('\n')
}

/** Out of time before: nothing is known of it. */
function nearTimeout({ before }: TriedWrite): boolean {
  return isTimeout(before)
}

function isTimeout(answer: Answer): boolean {
  return 'sqlstate' in answer && answer.sqlstate === timedOut
}

function finding(facts: AccessFacts, tried: readonly TriedWrite[], group: readonly TriedWrite[]): Finding[] {
  const [first] = group
  const identity = first && facts.identities[first.identity]
  if (first === undefined || identity === undefined) return []
  const { relation } = first
  const shown = facts.relations.find(({ name }) => name === relation)
  const { role } = identity
  const gained = accepted(first.after)
  const commands = [...new Set(group.map(({ command }) => command))]
  const asked = new Set(
    tried
      .filter((one) => one.relation === relation && facts.identities[one.identity]?.role === role)
      .map((one) => one.identity),
  )
  const concerned = new Set(group.map((one) => one.identity))
  const reasons = Map.groupBy(group, (one) => `${one.command}: ${inWords(gained ? one.before : one.after)}`)
  const subject = subjectOf(facts, [...concerned], [...asked], role)
  const users =
    role === 'anon' || role === 'service_role' ? '' : ` (${concerned.size} of ${subject.asked} users who tried)`
  return [
    {
      kind: gained ? 'access.write-gained' : 'access.write-lost',
      object: relation,
      role,
      title: `${subject.who} can ${gained ? 'now' : 'no longer'} ${commands.map((command) => verbs[command]).join(', ')} their rows of ${relation}${users}: it was tried for real.`,
      evidence: [
        ...[...reasons].map(
          ([reason, all]) =>
            `${reason}, ${gained ? 'before' : 'now'} (${number(all.length)} tried, ${gained ? 'accepted now' : 'accepted before'})`,
        ),
        ...(shown ? [`To repeat: ${reproduce(identity, showing(setOf[first.command], shown, role))}`] : []),
      ],
      fix: 'Look at the triggers, checks, defaults and column privileges of the table that the migrations changed.',
    },
  ]
}

function inWords(answer: Answer): string {
  if ('sqlstate' in answer) return `refused with ${sqlstateInWords(answer.sqlstate)}`
  return answer.rows === 0 ? 'no row is written and no error is raised, as by a trigger that returns NULL' : 'accepted'
}

function check(facts: AccessFacts, tried: readonly TriedWrite[], findings: readonly Finding[]): Check {
  const base = {
    id: 'access.writes',
    metric: 'access',
    title: 'Writes of sampled users tried for real',
    required: true,
  } as const
  const late = tried.filter(({ before }) => isTimeout(before))
  const unstable = tried.filter((one) => !one.stable)
  const users = new Set(tried.flatMap(({ identity }) => (facts.identities[identity]?.userId ? [identity] : []))).size
  const tables = new Set(tried.map(({ relation }) => relation)).size
  const both = tried.filter((one) => accepted(one.before)).length
  const numbers = {
    writesTried: tried.length,
    writesAccepted: both,
    writesUnstable: unstable.length,
    writesOutOfTime: late.length,
    writers: users,
    tablesWritten: tables,
  }
  if (tried.length > 0 && late.length + unstable.length === tried.length) {
    const reason = 'Every write that was tried ran out of time, or came out differently each time.'
    return { ...base, status: 'not run', reason, numbers }
  }
  const aside = [
    late.length > 0 ? `${number(late.length)} ran out of time before the migrations` : '',
    unstable.length > 0 ? `${number(unstable.length)} come out differently each time and say nothing` : '',
  ].filter((words) => words !== '')
  const summary =
    tried.length === 0
      ? 'No sampled user may write a row of any table that the API exposes.'
      : `${number(tried.length)} writes of ${number(users)} sampled users, anon and service_role to ${tables} tables and views were made on both sides and taken back; ${number(both)} were accepted before${aside.length > 0 ? `; ${aside.join('; ')}` : ''}.`
  return { ...base, status: findings.length > 0 ? 'failed' : 'passed', summary, numbers }
}
