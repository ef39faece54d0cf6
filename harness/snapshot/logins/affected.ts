import type { Finding, FindingKind } from '../../model/finding.ts'

/** Ids named in one finding. */
const mostIds = 20

export type About = {
  readonly kind: FindingKind
  readonly object: string
  readonly columns?: readonly string[]
  /** Of the sentence `1 user <one>.`, and of `12 users <many>.` Default of `many`: the same words. */
  readonly one: string
  readonly many?: string
}

/** One finding about these users, with their number in its title and their ids in its evidence; none without users. */
export function affected(ids: readonly string[], { kind, object, columns = [], one, many = one }: About): Finding[] {
  const distinct = [...new Set(ids)].toSorted()
  if (distinct.length === 0) return []
  const title = distinct.length === 1 ? `1 user ${one}.` : `${count(distinct.length)} users ${many}.`
  return [{ kind, object, ...(columns.length > 0 ? { columns } : {}), title, evidence: [sayIds(distinct)] }]
}

/** `User ids: …, … and 7 more` */
export function sayIds(ids: readonly string[]): string {
  const more = ids.length - mostIds
  return `User ids: ${ids.slice(0, mostIds).join(', ')}${more > 0 ? ` … and ${count(more)} more` : ''}`
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}
