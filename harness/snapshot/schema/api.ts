import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { type ApiFacts, type ApiFunction, type ApiRelation, type ApiRole, apiRoles } from './api-facts.ts'

/** What clients of the Data API could name before and cannot name after, and what they can name now. Pure. */
export function compareApi(
  before: ApiFacts,
  after: ApiFacts,
): { readonly findings: readonly Finding[]; readonly check: Check } {
  const findings = [...relationFindings(before, after), ...functionFindings(before, after)].sort((left, right) =>
    left.kind + left.object < right.kind + right.object ? -1 : 1,
  )
  const removed = findings.filter((finding) => finding.kind === 'feature.api-removed').length
  const offered = before.relations.length + functionNames(before).length
  return {
    findings,
    check: {
      id: 'features.api',
      metric: 'features',
      title: 'The Data API offers everything that it offered before',
      status: removed > 0 ? 'failed' : 'passed',
      required: true,
      summary: `${offered} tables, views and functions looked at: ${removed} lost something, ${findings.length - removed} are new or have more.`,
      numbers: { apiObjects: offered, apiRemoved: removed, apiAdded: findings.length - removed },
    },
  }
}

function relationFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
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
  const roles = names.map(({ role }) => role).join(' and ')
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

function functionFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
  const findings: Finding[] = []
  for (const name of functionNames(before)) {
    const now = after.functions.filter((one) => one.name === name)
    const broken = before.functions
      .filter((one) => one.name === name)
      .flatMap((old) =>
        old.roles.flatMap((role) =>
          whyBroken(
            old,
            now.filter((one) => one.roles.includes(role)),
            role,
          ),
        ),
      )
    if (broken.length === 0) continue
    findings.push({
      kind: 'feature.api-removed',
      object: name,
      title:
        now.length === 0
          ? `The Data API no longer offers the function ${name}.`
          : `Calls of ${name} that worked before fail after.`,
      evidence: broken,
    })
  }
  const known = new Set(functionNames(before))
  for (const name of functionNames(after).filter((one) => !known.has(one))) {
    const roles = [...new Set(after.functions.filter((one) => one.name === name).flatMap((one) => one.roles))].sort()
    findings.push({
      kind: 'feature.api-added',
      object: name,
      title: `The Data API offers the function ${name} to ${roles.join(' and ')} now.`,
      evidence: after.functions
        .filter((one) => one.name === name)
        .map((one) => `${callOf(one)} returns ${one.returns}`),
    })
  }
  return findings
}

/** A call with all arguments, and one with only those that were required, must still find a function. */
function whyBroken(old: ApiFunction, now: readonly ApiFunction[], role: ApiRole): readonly string[] {
  const call = `${role}: ${callOf(old)}`
  if (now.length === 0) return [`${call} cannot be called any more.`]
  const all = old.args.map((arg) => arg.name)
  const least = old.args.filter((arg) => !arg.optional).map((arg) => arg.name)
  const takesAll = now.filter((one) => accepts(one, all))
  const takers = takesAll.filter((one) => accepts(one, least))
  if (takesAll.length > 0 && takers.length > 0) {
    const lost = old.columns.filter((column) =>
      takers.every((one) => one.columns.length > 0 && !one.columns.includes(column)),
    )
    return lost.length > 0 ? [`${call} no longer returns ${lost.join(', ')}.`] : []
  }
  const names = new Set(now.flatMap((one) => one.args.map((arg) => arg.name)))
  const gone = all.filter((name) => !names.has(name))
  if (gone.length > 0) return [`${call}: argument ${gone.join(', ')} is gone.`]
  return [`${call}: an argument is required that was not: ${now.map(callOf).join(' or ')}.`]
}

function accepts(target: ApiFunction, names: readonly string[]): boolean {
  // Unnamed arguments are passed as one body: their number is what counts.
  if (target.args.some((arg) => arg.name === '') || names.includes('')) return target.args.length === names.length
  return (
    names.every((name) => target.args.some((arg) => arg.name === name)) &&
    target.args.every((arg) => arg.optional || names.includes(arg.name))
  )
}

const callOf = (one: ApiFunction) =>
  `${one.name}(${one.args.map((arg) => `${arg.name || 'unnamed'}${arg.optional ? '?' : ''}`).join(', ')})`

const functionNames = (facts: ApiFacts) => [...new Set(facts.functions.map((one) => one.name))].sort()
