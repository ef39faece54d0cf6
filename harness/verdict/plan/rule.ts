/** One checkbox of the plan, and how to tell whether it can be ticked. */
export type PlanRule = {
  readonly id: string
  readonly phase: string
  /** As the plan words it. */
  readonly text: string
  /** References as `evidenceOf` takes them: all must pass. */
  readonly evidence: readonly string[]
  /** Why a rehearsal cannot tick it, and what to do: it stays `manual` when the evidence passes, and fails with it. */
  readonly manual?: string
  /** What to do when the run has nothing of that name: then it is `manual`. Without it: `not run`. */
  readonly ifNone?: string
  /** What to know beside the evidence, once it is done. */
  readonly note?: string
}
