import type { Waiver } from '../model/config.ts'
import type { Finding, MetricName } from '../model/finding.ts'
import type { Coverage, Expectation, JudgedFinding, PredicateProof, Verdict } from '../model/verdict.ts'
import { catalogue } from './catalogue/catalogue.ts'
import { coverageOf, expectationLine, expectationsFor, unmatchedExpectation } from './expectations.ts'
import { expiredWaiver, isExpired, unmatchedWaiver, waiverCoverage, waiversFor } from './waivers.ts'

/** A finding with the metric that it counts for, where that is not the catalogue's (a test of suites/rls counts for access). */
export type AttributedFinding = { readonly finding: Finding; readonly metric?: MetricName }

export type Declarations = {
  readonly expectations: readonly Expectation[]
  readonly proofs: readonly PredicateProof[]
  readonly waivers: readonly Waiver[]
  /** The day in UTC, ISO: `2026-11-22`. */
  readonly today: string
  /**
   * Whether an expectation of this migration can be called unmatched: its changes were applied and looked at. Otherwise
   * nothing could have matched it, and saying so would only distract.
   */
  readonly wasLookedAt: (migration: string) => boolean
}

export type Judgement = Pick<Verdict, 'findings' | 'expectations' | 'waivers'>

/** Holds expectations, then waivers, against every finding, and adds the findings about those that matched nothing. */
export function judge(found: readonly AttributedFinding[], declarations: Declarations): Judgement {
  const { proofs, today } = declarations
  const plain = found.map(({ finding }) => finding)
  const expectations = [...declarations.expectations].sort(byPlace)
  const waivers = [...declarations.waivers].sort(byWaiver)
  const matched = new Map<Expectation, number>(expectations.map((expectation) => [expectation, 0]))
  const used = new Set<Waiver>()

  const cover = (finding: Finding): Coverage | undefined => {
    const declared = expectationsFor(finding, expectations, proofs)
    for (const expectation of declared) matched.set(expectation, (matched.get(expectation) ?? 0) + 1)
    if (declared[0]) return coverageOf(declared[0])
    const waived = waiversFor(finding, waivers, today)
    for (const waiver of waived) used.add(waiver)
    return waived[0] && waiverCoverage(waived[0])
  }
  const judged = found.map(({ finding, metric }) => judgeOne(finding, metric, cover(finding)))

  const unmatched = expectations.filter((each) => matched.get(each) === 0 && declarations.wasLookedAt(each.migration))
  const about = [
    ...unmatched.map((each) =>
      judgeOne(unmatchedExpectation(each, plain, proofs), catalogue[each.kind].metric, undefined),
    ),
    ...waivers
      .filter((each) => isExpired(each, today))
      .map((each) => judgeOne(expiredWaiver(each, plain), catalogue[each.kind].metric, undefined)),
    ...waivers
      .filter((each) => !isExpired(each, today) && !used.has(each))
      .map((each) => judgeOne(unmatchedWaiver(each), catalogue[each.kind].metric, undefined)),
  ]
  return {
    findings: [...judged, ...about].sort(byWeight),
    expectations: expectations.map((each) => ({ ...each, matched: matched.get(each) ?? 0 })),
    waivers: waivers.map(({ kind, object, owner, until, reason }, index) => {
      const waiver = waivers[index]
      const state = until < today ? 'expired' : waiver !== undefined && used.has(waiver) ? 'used' : 'unmatched'
      return { kind, object, owner, until, reason, state }
    }),
  }
}

function judgeOne(finding: Finding, metric: MetricName | undefined, coveredBy: Coverage | undefined): JudgedFinding {
  const { rows: _, ...told } = finding
  const record = catalogue[finding.kind]
  const severity = finding.severity ?? record.severity
  const blocking = severity === 'blocking' && coveredBy === undefined
  const line = blocking ? expectationLine(finding) : undefined
  return {
    ...told,
    severity,
    metric: metric ?? record.metric,
    blocking,
    ...(coveredBy && { coveredBy }),
    ...(line !== undefined && { expectationLine: line }),
  }
}

function byWeight(one: JudgedFinding, other: JudgedFinding): number {
  return Number(other.blocking) - Number(one.blocking) || compareText(sortKey(one), sortKey(other))
}

/** Everything that tells two findings apart, so that the order never depends on the order of the input. */
function sortKey(finding: JudgedFinding): string {
  const { kind, object, columns, role, migration, where, title, severity, metric, evidence } = finding
  return JSON.stringify([
    kind,
    object,
    columns ?? [],
    role ?? '',
    migration ?? '',
    where ?? '',
    title,
    severity,
    metric,
    evidence,
  ])
}

function byPlace(one: Expectation, other: Expectation): number {
  return (
    compareText(one.migration, other.migration) ||
    one.line - other.line ||
    compareText(JSON.stringify(one), JSON.stringify(other))
  )
}

function byWaiver(one: Waiver, other: Waiver): number {
  const key = ({ kind, object, owner, until, reason }: Waiver) => JSON.stringify([kind, object, owner, until, reason])
  return compareText(key(one), key(other))
}

/** By code unit, as everywhere. */
function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
