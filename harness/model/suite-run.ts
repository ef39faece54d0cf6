import type { MailKind } from './finding.ts'

export type Side = 'before' | 'after'

/** `not asked`: on before, where a suite of edge functions was not tried, since nothing is wrong with it on after. */
export type TestState = 'passed' | 'failed' | 'skipped' | 'not run' | 'not asked'

/** One test of one suite, joined over both sides by file and full name. */
export type JoinedTest = {
  /** Folder under suites/: `auth`, `rls` …; for a customer's own file its folder's name. */
  readonly suite: string
  /** Relative to the project. */
  readonly file: string
  readonly name: string
  readonly before: TestState
  readonly after: TestState
  readonly outcome: TestOutcome
  /** First line of the failure on the after side (else on the before side), free of row values. */
  readonly message?: string
  /** What a check of mails found, on the after side, else on the before side. */
  readonly finding?: MailKind
  readonly where?: { readonly file: string; readonly line: number; readonly column?: number }
  readonly milliseconds: { readonly before?: number; readonly after?: number }
  /** Why it was skipped (`not configured: contracts.rateLimit`), or that its stack broke off while it failed. */
  readonly reason?: string
  /** What it says in the report besides, free of row values. */
  readonly remark?: string
}

/**
 * `regressed`: passed before, fails after. `fixed`: the other way. `same`: passed on both. `fails`: fails on both.
 * `passes`: on after, and was not asked on before.
 * `not configured`: its contract is missing. `not run`: anything else that did not run on one of the sides.
 */
export type TestOutcome = 'regressed' | 'fixed' | 'same' | 'passes' | 'fails' | 'not configured' | 'not run'

export type SuiteRun = {
  readonly tests: readonly JoinedTest[]
  readonly files: number
  readonly milliseconds: number
  /** Errors that are none of a test (a suite file that does not load, a stack that broke off): each makes the check `features.suites` not run. */
  readonly errors: readonly string[]
}
