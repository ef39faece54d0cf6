import type { Finding } from '../../model/finding.ts'
import { type ApiFacts, type ApiRelation, type ApiRole, apiRoles } from './api-facts.ts'
import { narrowed } from './api-types.ts'

/** What may be read of each table and view, and what an insert must name. Pure. */
export function relationFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
  const was = new Map(before.relations.map((relation) => [relation.object, relation]))
  const is = new Map(after.relations.map((relation) => [relation.object, relation]))
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((object) => {
    const old = was.get(object)
    const now = is.get(object)
    const lost = missing(old, now)
    const gained = missing(now, old)
    const findings: Finding[] = []
    if (lost.length > 0) findings.push(relationFinding('feature.api-removed', object, lost, now))
    if (gained.length > 0) findings.push(relationFinding('feature.api-added', object, gained, old))
    if (old !== undefined && now !== undefined) {
      findings.push(...typeFindings(old, now), ...requiredFindings(old, now), ...generatedFindings(old, now))
    }
    return findings
  })
}

type Names = { readonly role: ApiRole; readonly columns: readonly string[]; readonly all: boolean }

/** Per role, the columns that `from` lets it read and `than` does not. `all`: `than` lets it read nothing. */
function missing(from: ApiRelation | undefined, than: ApiRelation | undefined): readonly Names[] {
  return apiRoles.flatMap((role) => {
    const columns = (from?.columns[role] ?? []).filter((column) => !than?.columns[role].includes(column))
    return columns.length === 0 ? [] : [{ role, columns, all: (than?.columns[role].length ?? 0) === 0 }]
  })
}

function relationFinding(
  kind: 'feature.api-removed' | 'feature.api-added',
  object: string,
  names: readonly Names[],
  other: ApiRelation | undefined,
): Finding {
  const removed = kind === 'feature.api-removed'
  const roles = listed(names.map(({ role }) => role))
  const whole = names.every(({ all }) => all)
  const columns = [...new Set(names.flatMap((one) => (one.all ? [] : one.columns)))].sort()
  const what = whole ? object : `${columns.length === 1 ? 'column' : 'columns'} ${columns.join(', ')} of ${object}`
  const gone =
    other === undefined
      ? 'it does not exist any more'
      : whole
        ? 'the right to read it is gone'
        : 'not there, or not readable, any more'
  return {
    kind,
    object,
    ...(columns.length > 0 ? { columns } : {}),
    title: removed
      ? `The Data API no longer offers ${what} to ${roles}: ${gone}.`
      : `The Data API offers ${what} to ${roles} now.`,
    evidence: names.map((one) => `${one.role}: ${one.columns.join(', ')}`),
  }
}

/** Columns that clients read or write as another type: one finding each, since each has a reason of its own. */
function typeFindings(old: ApiRelation, now: ApiRelation): readonly Finding[] {
  const readable = (relation: ApiRelation, column: string) =>
    apiRoles.some((role) => relation.columns[role].includes(column))
  return Object.entries(old.types).flatMap(([column, from]): Finding[] => {
    const to = now.types[column]
    const why = to === undefined ? undefined : narrowed(from, to)
    if (to === undefined || why === undefined || !readable(old, column) || !readable(now, column)) return []
    return [
      {
        kind: 'feature.api-removed',
        object: old.object,
        columns: [column],
        title: `Clients of column ${column} of ${old.object} meet another type: ${why}.`,
        evidence: [`${from.name} before, ${to.name} after.`],
      },
    ]
  })
}

/** Columns that an insert must name now, though clients of before do not know that. */
function requiredFindings(old: ApiRelation, now: ApiRelation): readonly Finding[] {
  const writers = old.writers.filter((role) => now.writers.includes(role))
  const columns = now.required.filter((column) => !old.required.includes(column) && !isFilled(now.fillers, column))
  if (writers.length === 0 || columns.length === 0) return []
  const names = columns.length === 1 ? `column ${columns[0]}` : `columns ${columns.join(', ')}`
  return [
    {
      kind: 'feature.api-removed',
      object: old.object,
      columns,
      title: `Inserts into ${old.object} that leave out ${names} worked before and fail after: it has no default and must have a value.`,
      evidence: columns.map(
        (column) =>
          `${column}: ${old.types[column] === undefined ? 'new, not null, without a default' : 'not null and without a default now'}`,
      ),
      fix: columns.map((column) => `alter table ${old.object} alter column ${column} set default …;`).join(' '),
    },
  ]
}

/** Columns that a write could name and that Postgres fills itself now (GENERATED ALWAYS): it refuses a value with 428C9. */
function generatedFindings(old: ApiRelation, now: ApiRelation): readonly Finding[] {
  const written = now.generated.filter((column) => old.writable.includes(column))
  if (written.length === 0) return []
  const names = written.length === 1 ? `column ${written[0]}` : `columns ${written.join(', ')}`
  return [
    {
      kind: 'feature.api-removed',
      object: old.object,
      columns: written,
      title: `Writes to ${old.object} that name ${names} worked before and fail after: the database makes the value itself now.`,
      evidence: written.map((column) => `${column}: generated always`),
    },
  ]
}

/** A trigger that runs before the insert assigns it. */
function isFilled(fillers: string, column: string): boolean {
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`\bnew\s*\.\s*"?${name}"?\s*:?=`, 'i').test(fillers)
}

function listed(words: readonly string[]): string {
  return words.length < 3 ? words.join(' and ') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
