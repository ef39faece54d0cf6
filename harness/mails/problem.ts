/** What can be wrong with the content of a mail, whoever it goes to. */
export type ProblemKind =
  | 'placeholder'
  | 'broken-link'
  | 'foreign-link'
  | 'unescaped'
  | 'no-text'
  | 'shared-recipients'
  | 'header-injection'

/** One problem of one mail. */
export type Problem = {
  readonly kind: ProblemKind
  /** Which one, in words free of the mail's own: "undefined", "without a host". Problems of one function with the same words are one finding. */
  readonly detail: string
  /**
   * Text of the mail that would be no problem if it stood in the data: a title that says "undefined". Never leaves the
   * process. Absent where the data excuses nothing.
   */
  readonly quote?: string
}
