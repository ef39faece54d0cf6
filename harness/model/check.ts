import type { MetricName } from './finding.ts'

/**
 * One thing that was looked at, or was to be. The unit that makes "did not look" visible: every check has a row from
 * the start of the run (`not run`), overwritten by the stage that does it. A required check that did not end as
 * `passed` or `failed` makes its metric unknown, and an unknown metric blocks.
 */
export type Check = {
  /** Stable and kebab-cased, with its area in front: `data.ledger`, `logins.users-read`, `features.suites`. */
  readonly id: string
  readonly metric: MetricName
  /** What was looked at, in plain words: "Every row of every table compared". */
  readonly title: string
  readonly status: CheckStatus
  readonly required: boolean
  /** One sentence with the numbers, once done: "31,204 rows of 41 tables are the same". */
  readonly summary?: string
  /** Why it did not run, for `not run` and `not configured`. */
  readonly reason?: string
  /** Figures for the report and for `report.json`; keys are camelCase with their unit (`rowsCompared`, `medianMs`). */
  readonly numbers?: Readonly<Record<string, number>>
}

/** `failed` means that the check ran and found harm (its findings say what); it is not a crash, which is `not run` with a reason. */
export type CheckStatus = 'passed' | 'failed' | 'not run' | 'not configured'
