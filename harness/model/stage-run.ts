/** One stage of the pipeline, with a row from the start. */
export type StageRun = {
  readonly name: string
  readonly status: 'not run' | 'done' | 'failed'
  readonly milliseconds?: number
  /** For `failed` and `not run`. */
  readonly reason?: string
}
