import type { Mail } from './stack.ts'
import type { Side } from './suite-run.ts'

/** A mail as `--keep` keeps it: a line of `kept-mails.jsonl`. `status` and `events` are those of the moment it was accepted. */
export type KeptMail = Mail & {
  readonly side: Side
  /** What is wrong with it, as `Finding.problem` says it. */
  readonly problems: readonly string[]
  /** Names of the tests that failed while it was sent. */
  readonly failedTests: readonly string[]
}

/** What a report may tell of the page with the kept mails: nothing of a person. */
export type KeptMails = {
  /** Name of the page, beside the report. */
  readonly page: string
  readonly mails: number
  /** Names of the functions whose mails have a problem, by the problem. */
  readonly senders: ReadonlyMap<string, ReadonlySet<string>>
  /** Tests that failed, and sent mails meanwhile. */
  readonly failedTests: ReadonlySet<string>
}
