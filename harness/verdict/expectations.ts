import type { Finding } from '../model/finding.ts'
import type { Coverage, Expectation, PredicateProof } from '../model/verdict.ts'
import { catalogue } from './catalogue/catalogue.ts'

/** What a finding is about, as text. Two findings with one key are one fact seen twice; proofs refer to findings by it. */
function findingKey(finding: Finding): string {
  const columns = [...(finding.columns ?? [])].sort().join(',')
  return [finding.kind, finding.object, columns, finding.role ?? '', finding.migration ?? '', finding.title].join(
    '\u0000',
  )
}

/**
 * Whether this one expectation speaks of this finding: kind, object, role, one of its columns, the migration, and a
 * predicate that was proven on every row concerned. What is not stated is not meant.
 */
function speaksOf(expectation: Expectation, finding: Finding, proofs: readonly PredicateProof[]): boolean {
  const { declared } = catalogue[finding.kind]
  if (declared === 'never' || expectation.kind !== finding.kind || expectation.object !== finding.object) return false
  if (finding.migration !== undefined && finding.migration !== expectation.migration) return false
  if (expectation.role !== finding.role) return false
  if (expectation.column !== undefined && !finding.columns?.includes(expectation.column)) return false
  if (expectation.column === undefined && declared === 'columns' && finding.columns?.length) return false
  return expectation.predicate === undefined || isProven(expectation, finding, proofs)
}

function isProven(expectation: Expectation, finding: Finding, proofs: readonly PredicateProof[]): boolean {
  const key = findingKey(finding)
  const own = proofs.filter((proof) => isSame(proof.expectation, expectation) && findingKey(proof.finding) === key)
  return own.length > 0 && own.every((proof) => proof.holds)
}

/** An expectation is known by its place: a line holds one. */
function isSame(one: Expectation, other: Expectation): boolean {
  return one.migration === other.migration && one.line === other.line
}

/**
 * The expectations that together cover the finding; empty when it is not covered. A finding on several columns whose
 * kind is declared by column needs each of them named.
 */
export function expectationsFor(
  finding: Finding,
  expectations: readonly Expectation[],
  proofs: readonly PredicateProof[],
): readonly Expectation[] {
  const speaking = expectations.filter((expectation) => speaksOf(expectation, finding, proofs))
  if (catalogue[finding.kind].declared !== 'columns') return speaking
  const named = new Set(speaking.map((expectation) => expectation.column))
  return (finding.columns ?? []).every((column) => named.has(column)) ? speaking : []
}

export function coverageOf(expectation: Expectation): Coverage {
  const { migration, line, reason } = expectation
  return { type: 'expectation', migration, line, reason }
}

/**
 * The comment to paste into the migration when the change is meant; one line for each column where the kind is declared
 * by column. Undefined for kinds that nobody can mean, and for objects that an expectation cannot write.
 */
export function expectationLine(finding: Finding): string | undefined {
  const { declared } = catalogue[finding.kind]
  const isOneName = !/\s/.test(finding.object) || /^"[^"\n]*"$/.test(finding.object)
  if (declared === 'never' || !isOneName) return undefined
  const role = finding.role === undefined ? '' : ` to ${finding.role}`
  const columns =
    declared === 'columns' && finding.columns?.length ? finding.columns.map((column) => `(${column})`) : ['']
  return columns
    .map((column) => `-- greenlight: expects ${finding.kind} ${finding.object}${column}${role} because …`)
    .join('\n')
}

/** The expectation as it stands in its file, for messages. */
function expectationText(expectation: Expectation): string {
  const column = expectation.column === undefined ? '' : `(${expectation.column})`
  const role = expectation.role === undefined ? '' : ` to ${expectation.role}`
  const predicate = expectation.predicate === undefined ? '' : ` where ${expectation.predicate}`
  return `${expectation.kind} ${expectation.object}${column}${role}${predicate}`
}

/** The warning for an expectation that nothing matched, with the most likely cause in it. */
export function unmatchedExpectation(
  expectation: Expectation,
  findings: readonly Finding[],
  proofs: readonly PredicateProof[],
): Finding {
  return {
    kind: 'expectation.unmatched',
    object: expectation.object,
    title: `The migration declares "${expectationText(expectation)}", and nothing in this run matches it.`,
    evidence: [whyUnmatched(expectation, findings, proofs)],
    migration: expectation.migration,
    where: { file: expectation.migration, line: expectation.line },
  }
}

function whyUnmatched(
  expectation: Expectation,
  findings: readonly Finding[],
  proofs: readonly PredicateProof[],
): string {
  if (catalogue[expectation.kind].declared === 'never') {
    return `${expectation.kind} cannot be declared in a migration: only a waiver in the config covers it.`
  }
  const refuted = proofs.find((proof) => isSame(proof.expectation, expectation) && !proof.holds)
  if (refuted)
    return `Its predicate does not hold for every row concerned${refuted.reason ? `: ${refuted.reason}` : '.'}`
  const near = findings.filter(({ kind, object }) => kind === expectation.kind && object === expectation.object)
  if (near.length === 0) return `There is no finding ${expectation.kind} on ${expectation.object}.`
  const facts = near.map(({ columns, role, migration }) =>
    [columns?.length ? `column ${columns.join(', ')}` : '', role ? `role ${role}` : '', migration ?? '']
      .filter(Boolean)
      .join(', '),
  )
  const seen = [...new Set(facts.filter(Boolean))].sort()
  return `There is a finding of that kind on that object, with other facts${seen.length ? `: ${seen.join('; ')}` : ''}.`
}
