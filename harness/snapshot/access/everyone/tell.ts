import type { Check } from '../../../model/check.ts'
import type { Finding } from '../../../model/finding.ts'
import type { AccessDifference } from '../differences.ts'
import type { RowSetName } from '../facts.ts'
import type { TableChange } from './changes.ts'
import type { Everyone, EveryoneTable } from './take.ts'

type Told = { readonly findings: readonly Finding[]; readonly checks: readonly Check[] }

const role = 'authenticated'

/**
 * What a table's change is worth: it stands when row security shows it to a user concerned, which `differences` tells; a
 * set where it does not is taken for unknown.
 */
export function confirmed(everyone: Everyone, differences: readonly AccessDifference[]): Everyone {
  const tables = everyone.tables.map((table): EveryoneTable => {
    const isSeen = ({ set, direction }: TableChange) =>
      differences.some(
        (one) => one.relation === table.relation && one.role === role && one.set === set && one.direction === direction,
      )
    const doubted = new Set(table.changes.filter((change) => !isSeen(change)).map(({ set }) => set))
    if (doubted.size === 0) return table
    const reason = 'what was found for all users is not what those users are shown'
    return {
      ...table,
      exhaustive: table.exhaustive.filter((set) => !doubted.has(set)),
      refused: { ...table.refused, ...Object.fromEntries([...doubted].map((set) => [set, reason])) },
      changes: table.changes.filter(({ set }) => !doubted.has(set)),
    }
  })
  return { ...everyone, tables }
}

/** Findings of the sampled comparison with the numbers of all users in them, and the check that says who was looked at. */
export function tellEveryone({ findings, checks }: Told, everyone: Everyone | undefined, sampled: number): Told {
  if (everyone === undefined) {
    const reason = 'The rows of all users could not be compared at once; the sampled users were.'
    return { findings, checks: [...checks, { ...base, status: 'not run', reason }] }
  }
  return {
    findings: findings.map((finding) => withNumbers(finding, everyone)),
    checks: [...checks, checkOf(everyone, sampled)],
  }
}

const base = {
  id: 'access.everyone',
  metric: 'access',
  title: 'What every user sees and may change, compared',
  required: false,
} as const

function checkOf({ users, tables }: Everyone, sampled: number): Check {
  const exhaustive = tables.filter((table) => table.exhaustive.includes('seen'))
  const partly = exhaustive.filter(({ refused }) => Object.keys(refused).length > 0)
  const left = tables.filter((table) => !exhaustive.includes(table))
  const numbers = {
    usersAll: users,
    tablesExhaustive: exhaustive.length,
    tablesSampled: left.length,
    tablesReadsOnly: partly.length,
    pairs: tables.reduce((sum, { pairs }) => sum + pairs, 0),
    usersWithChanges: Math.max(0, ...tables.flatMap(({ changes }) => changes.map((change) => change.users))),
  }
  if (users === 0 || exhaustive.length === 0) {
    const reason =
      users === 0
        ? 'There are no users with role authenticated.'
        : `No table could be told for all users at once: ${reasons(left, 'seen')}.`
    return { ...base, status: 'not run', reason, numbers }
  }
  const who = `all ${number(users)} users at ${exhaustive.length} of ${tables.length} tables and views`
  const rest = left.length > 0 ? `, ${number(sampled)} sampled users at the rest (${reasons(left, 'seen')})` : ''
  const writes =
    partly.length > 0
      ? ` For some writes only the sampled ones: ${partly.map(({ relation, refused }) => `${relation} (${Object.keys(refused).join(', ')})`).join(', ')}.`
      : ''
  const changed = tables.some(({ changes }) => changes.length > 0)
  return { ...base, status: changed ? 'failed' : 'passed', summary: `Compared for ${who}${rest}.${writes}`, numbers }
}

/** `public.notes: it calls …; public.people: it is a view` */
function reasons(tables: readonly EveryoneTable[], set: RowSetName): string {
  return tables.map(({ relation, refused }) => `${relation}: ${refused[set] ?? 'not asked'}`).join('; ')
}

const verbs = { seen: 'see', updatable: 'update', deletable: 'delete', insertable: 'insert copies of' } as const

function withNumbers(finding: Finding, { users, tables }: Everyone): Finding {
  if (finding.role !== role) return finding
  const [, write, direction] = /^access\.(rows|write)-(gained|lost)$/.exec(finding.kind) ?? []
  const changes = tables
    .find(({ relation }) => relation === finding.object)
    ?.changes.filter((change) => change.direction === direction && (change.set !== 'seen') === (write === 'write'))
    .toSorted((a, b) => b.rows - a.rows)
  const [main] = changes ?? []
  // Only a finding about rows that were compared for sampled users has such a title; others tell of something else.
  const [sampled] = / \([\d,]+ of [\d,]+ sampled users\)\.$/.exec(finding.title) ?? []
  if (main === undefined || changes === undefined || sampled === undefined) return finding
  const least = main.exact ? '' : 'at least '
  const what = `${least}${number(main.rows)} ${main.rows === 1 && main.exact ? 'row' : 'rows'} of ${finding.object}`
  const whom = `(${number(main.users)} of all ${number(users)} users)`
  const title =
    main.set === 'seen'
      ? `Authenticated users ${main.direction} ${what} ${whom}.`
      : `Authenticated users can ${main.direction === 'gained' ? 'now' : 'no longer'} ${verbs[main.set]} ${what} ${whom}.`
  const lines = changes.map(
    ({ set, rows, users: concerned }) =>
      `Of all users: ${number(concerned)} of ${number(users)} ${main.direction} rows that they can ${verbs[set]}, ${number(rows)} different rows in all`,
  )
  return { ...finding, title, evidence: [...lines, ...finding.evidence] }
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
