/** A job of pg_cron, as `cron.job` has it. */
export type Job = {
  readonly id: number
  /** As an expectation names it: its name, quoted where need be, with its user where two have one name; `job-7` without one. */
  readonly name: string
  /** As it stands. pg_cron keeps it once for each user. */
  readonly jobname: string | undefined
  readonly schedule: string
  /** May hold keys: for the server alone. */
  readonly command: string
  readonly user: string
  readonly database: string
  readonly active: boolean
}

/** What came of running a job once on a copy. */
export type JobRun = {
  /** Hosts other than the project's that it asked pg_net to reach, sorted. */
  readonly hosts: readonly string[]
  readonly milliseconds: number
} & (
  | {
      readonly state: 'done'
      /**
       * Rows that were inserted, updated and deleted, by functions and triggers too; requests to pg_net are rows. What is
       * truncated counts for nothing.
       */
      readonly rows: number
    }
  | { readonly state: 'failed'; readonly sqlstate: string }
  /** It was stopped when its time was up. */
  | { readonly state: 'not done'; readonly limit: number }
  | { readonly state: 'not tried'; readonly reason: string }
)

/** The jobs of one side, and by their number what came of those that are active. */
export type SideJobs = {
  readonly jobs: readonly Job[]
  readonly runs: ReadonlyMap<number, JobRun>
}

/** The same job on both sides. */
export type JobPair = { readonly name: string; readonly was?: Job | undefined; readonly is?: Job | undefined }
