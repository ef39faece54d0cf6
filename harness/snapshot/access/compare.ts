import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { accessCheck } from './check.ts'
import { claimFindings } from './claim-findings.ts'
import { coverageFindings } from './coverage.ts'
import type { AccessDifference } from './differences.ts'
import { exposureFindings } from './exposure-findings.ts'
import type { AccessFacts } from './facts.ts'
import { brokenWriteFindings, failedReads } from './failure-findings.ts'
import { grantFindings } from './grant-findings.ts'
import { rowFindings } from './row-findings.ts'

export type CompareAccessOptions = {
  /** The limit that the probes had, in milliseconds. Default: 5,000. */
  readonly probeTimeout?: number
}

/**
 * Who gained or lost what. `differences` are those of `takeAccessDifferences` for the same facts. Tables that are on one
 * side only are no gain or loss here, but for a new one that is open to everyone.
 */
export function compareAccess(
  before: AccessFacts,
  after: AccessFacts,
  differences: readonly AccessDifference[],
  { probeTimeout = 5_000 }: CompareAccessOptions = {},
): { findings: Finding[]; checks: Check[] } {
  const reads = failedReads(before, after, probeTimeout)
  const findings = merge([
    ...exposureFindings(before, after),
    ...reads.findings,
    ...rowFindings(after, differences),
    ...brokenWriteFindings(before, after, reads.findings),
    ...claimFindings(before, after),
    ...grantFindings(before, after),
    ...coverageFindings(before, after),
  ])
  return { findings, checks: [accessCheck(before, after, reads, differences, findings)] }
}

/** One finding for each kind, object and role: the first stands, the later ones become lines of its evidence. */
export function merge(findings: readonly Finding[]): Finding[] {
  const merged = new Map<string, Finding>()
  // What is proven comes before what may be: a warning never takes the place of a finding that blocks.
  const rank = ({ severity }: Finding) => (severity === undefined ? 0 : 1)
  for (const finding of findings.toSorted((a, b) => rank(a) - rank(b))) {
    // A column's grant is a matter of its own, which an expectation names by the column.
    const key = sortKey(finding)
    const first = merged.get(key)
    if (first === undefined) merged.set(key, finding)
    else merged.set(key, { ...first, evidence: [...first.evidence, finding.title, ...finding.evidence] })
  }
  return [...merged.values()].toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

function sortKey({ kind, object, role, columns, severity }: Finding): string {
  const apart = kind === 'access.policy-unexercised' ? severity : ''
  return [kind, object, role, ...(columns ?? []), apart].join('\n')
}
