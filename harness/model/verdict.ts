import type { Check } from './check.ts'
import type { Finding, MetricName, Severity } from './finding.ts'

export type VerdictName = 'go' | 'no-go' | 'inconclusive'

/** Exit codes of `greenlight run`. */
export const exitCodes: Readonly<Record<VerdictName, 0 | 1 | 2>> = { go: 0, 'no-go': 1, inconclusive: 2 }

/** A finding after expectations and waivers were held against it. */
export type JudgedFinding = Omit<Finding, 'severity' | 'rows'> & {
  readonly severity: Severity
  readonly metric: MetricName
  /** True when it alone makes the verdict no-go: severity `blocking` and covered by nothing. */
  readonly blocking: boolean
  readonly coveredBy?: Coverage
  /** The line to paste into the migration, for an uncovered finding that could be meant. */
  readonly expectationLine?: string
}

export type Coverage =
  | { readonly type: 'expectation'; readonly migration: string; readonly line: number; readonly reason: string }
  | { readonly type: 'waiver'; readonly owner: string; readonly until: string; readonly reason: string }

/** `-- greenlight: expects <kind> <object>[(<column>)] [to <role>] [where <predicate>] because <reason>` in a migration. */
export type Expectation = {
  readonly kind: Finding['kind']
  readonly object: string
  readonly column?: string
  readonly role?: string
  /** SQL over the columns of the object, evaluated on the rows concerned. */
  readonly predicate?: string
  readonly reason: string
  readonly migration: string
  readonly line: number
}

/** How an expectation's predicate fared: true when every row of the finding satisfies it. Computed by a stage, since it needs the database. */
export type PredicateProof = {
  readonly expectation: Expectation
  readonly finding: Finding
  readonly holds: boolean
  readonly reason?: string
}

export type Metric = {
  readonly name: MetricName
  /** As the plan words it: "All existing users can log in". */
  readonly title: string
  readonly status: 'met' | 'not met' | 'unknown'
  /** One sentence for the release manager. */
  readonly summary: string
  readonly checks: readonly Check[]
  readonly numbers: Readonly<Record<string, number>>
}

export type PlanItem = {
  readonly id: string
  readonly phase: string
  readonly text: string
  readonly status: 'done' | 'failed' | 'manual' | 'not run'
  /** One sentence on why it has this status, naming the evidence. */
  readonly evidence: string
  /** Ids of the checks that the status stands on. */
  readonly checks: readonly string[]
}

export type Verdict = {
  readonly verdict: VerdictName
  /** One sentence: what decided it. */
  readonly reason: string
  readonly metrics: readonly Metric[]
  /** Sorted: blocking first, then by kind and object, by code unit. */
  readonly findings: readonly JudgedFinding[]
  readonly expectations: readonly (Expectation & { readonly matched: number })[]
  readonly waivers: readonly {
    readonly kind: string
    readonly object: string
    readonly owner: string
    readonly until: string
    readonly reason: string
    readonly state: 'used' | 'expired' | 'unmatched'
  }[]
  readonly plan: readonly PlanItem[]
}
