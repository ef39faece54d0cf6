/** A job of pg_cron, as `cron.job` has it. */
export type Job = {
  readonly id: number
  /** As an expectation names it: its name (quoted where need be), `job-7` for one without, with its user where two have one name. */
  readonly name: string
  readonly isNamed: boolean
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
      /** Rows that it inserted, updated and deleted, by functions and triggers too; requests to pg_net are rows. */
      readonly rows: number
    }
  | { readonly state: 'failed'; readonly sqlstate: string }
  | { readonly state: 'not tried'; readonly reason: string }
)

/** The jobs of one side, by name, and what came of those that are active. */
export type SideJobs = {
  readonly jobs: readonly Job[]
  readonly runs: ReadonlyMap<string, JobRun>
}
