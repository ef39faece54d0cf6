import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { count } from './findings.ts'

/** What is wrong with one table, index or rule. `name` is its own, `object` the table's. */
export type Complaint = {
  readonly name: string
  readonly object: string
  readonly kind: 'heap' | 'btree' | 'other' | 'rule'
  /** `unreadable`: looking at it failed, for a reason that is no corruption by itself. */
  readonly state: 'broken' | 'unreadable'
  /** Without a row value. */
  readonly said: readonly string[]
  /** Repeats the look. */
  readonly sql: string
}

export type Corruption = {
  readonly complaints: readonly Complaint[]
  readonly numbers: {
    readonly heaps: number
    readonly indexes: number
    readonly rules: number
    /** Indexes of other kinds than B-tree, which amcheck cannot read. */
    readonly unreadIndexes: number
  }
  readonly amcheck: boolean
}

/** New damage blocks; damage that the restored copy has too is a warning. `before` is undefined when after has none. Pure. */
export function compareCorruption(
  before: Corruption | undefined,
  after: Corruption,
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const old = new Map(before?.complaints.map((complaint) => [complaint.name, complaint.state]))
  const findings = after.complaints
    .toSorted((one, other) => (one.object + one.name < other.object + other.name ? -1 : 1))
    .map((complaint) => corrupt(complaint, old.get(complaint.name) === complaint.state))
  const { heaps, indexes, rules, unreadIndexes } = after.numbers
  const check = { id: 'data.corruption', metric: 'data', title: 'What is stored agrees with itself' } as const
  const numbers = {
    tablesVerified: heaps,
    indexesVerified: indexes,
    indexesOfOtherKinds: unreadIndexes,
    rulesVerified: rules,
    corrupt: findings.length,
  }
  if (!after.amcheck) {
    const reason = 'This server does not carry amcheck, which reads the pages of tables and indexes.'
    return { findings, checks: [{ ...check, required: false, status: 'not run', reason, numbers }] }
  }
  const harm = findings.some(({ severity }) => severity === 'blocking')
  const others = unreadIndexes > 0 ? ` ${count(unreadIndexes)} indexes are of kinds that amcheck cannot read.` : ''
  const summary =
    `Pages of ${count(heaps)} tables, ${count(indexes)} indexes and ${count(rules)} rules verified: ` +
    `${findings.length === 0 ? 'all agree' : `${count(findings.length)} do not agree`}.${others}`
  return { findings, checks: [{ ...check, required: true, status: harm ? 'failed' : 'passed', summary, numbers }] }
}

function corrupt({ name, object, kind, state, said, sql }: Complaint, already: boolean): Finding {
  const what = kind === 'heap' ? `Table ${name}` : kind === 'rule' ? `Rule ${name}` : `Index ${name} of ${object}`
  const wrong =
    state === 'unreadable'
      ? 'cannot be verified: what it calls fails on its rows'
      : kind === 'heap'
        ? 'has damaged pages or values'
        : kind === 'rule'
          ? `does not hold for ${said[0] ?? 'its rows'} that ${said[0] === '1 row' ? 'is' : 'are'} there`
          : 'and its table disagree'
  return {
    kind: 'data.corrupt',
    object,
    title: `${what} ${wrong}${already ? ', as before the migration' : ''}.`,
    evidence: [
      ...(kind === 'rule' && state === 'broken' ? [] : said),
      ...(kind === 'heap' ? ['Its indexes and rules were not looked at.'] : []),
      `To repeat it: ${sql}`,
    ],
    severity: already ? 'warning' : 'blocking',
    ...(fixes[kind] === undefined ? {} : { fix: fixes[kind] }),
  }
}

const fixes: Partial<Record<Complaint['kind'], string>> = {
  btree:
    'If its operator class, collation or function changed: reindex after it is right again. If not, the file is damaged.',
  heap: 'Find out whether production has it too (amcheck there), and mend it before the deploy.',
  rule: 'Mend the rows, or the function: the next restore of a dump fails at this rule, and so does each update of such a row.',
}
