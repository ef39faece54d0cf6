import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import type { Check } from './model/check.ts'
import type { Side } from './model/suite-run.ts'
import { timedOut } from './snapshot/access/sqlstates.ts'
import { compareJobs } from './snapshot/jobs/compare.ts'
import type { Job, JobRun, SideJobs } from './snapshot/jobs/facts.ts'
import { databasesElsewhere, runJobs } from './snapshot/jobs/run.ts'
import { takeJobs } from './snapshot/jobs/take.ts'
import { targetOf } from './stack/database-egress/request.ts'
import { addSecrets, fillVault } from './stack/database-egress/vault.ts'
import { makeKeys } from './stack/keys.ts'
import type { Evidence } from './stages.ts'

export type JobsOptions = {
  readonly clone: Cloner
  /** Secrets that are put into the vault by hand after the deploy. */
  readonly secretsByHand?: readonly string[] | undefined
  /** Whether the dump cannot hold the jobs of production. */
  readonly notInDump?: boolean
  readonly signal: AbortSignal
}

/** A job of before may take so long, in milliseconds; one of after this much more than it took before, times `slack`. */
const longest = 30_000
const slack = 4

/** A glance, not a parse: whom it wrongly fits is told as not tried. */
const ofWholeServer =
  /\b(create|alter|drop)\s+(role|user|group|database|tablespace)\b(?!\s+mapping)|\balter\s+system\b/i

/** A local project's address: jobs that read theirs from the vault get this one, to which nothing is sent. */
const projectUrl = 'http://localhost:54321'

/**
 * The stage `jobs`: which jobs pg_cron has on each side, and what comes of running each once, on clones. What a job is
 * to do later, by the functions that it calls, is for the suites. Throws `database.failed`, `aborted`.
 */
export async function lookAtJobs(
  { before, after }: Readonly<Record<Side, Database>>,
  options: JobsOptions,
): Promise<Evidence> {
  const was = await jobsOn(before, options)
  const { findings, checks } = compareJobs(was, await jobsOn(after, options, was))
  const harm = checks.some(({ status }) => status === 'failed')
  return { findings, checks: options.notInDump && !harm ? checks.map(withoutJobsOfProduction) : checks }
}

/** Those that the migrations schedule were run; those of production nobody has seen. */
function withoutJobsOfProduction({ summary: _, ...check }: Check): Check {
  if (check.id !== 'features.jobs') return check
  const reason = 'the dump does not hold the jobs of production; a dump by pg_dump does'
  return { ...check, required: false, status: 'not run', reason }
}

/** `was`: what is known of them before, where a job that is not done in time was not tried, and is not tried again. */
export async function jobsOn(
  database: Database,
  { clone, secretsByHand = [], signal }: JobsOptions,
  was?: SideJobs,
): Promise<SideJobs> {
  await using copy = await clone(database)
  await using session = await copy.connect()
  const jobs = await takeJobs(session)
  if (jobs.length === 0) return { jobs, runs: new Map() }
  const keys = await makeKeys()
  await fillVault(session, projectUrl, keys)
  await addSecrets(session, secretsByHand, projectUrl, keys)
  const elsewhere = databasesElsewhere(was?.jobs ?? jobs)
  const before = ({ name }: Job) => was?.runs.get(name)
  const runs = await runJobs(copy, jobs, {
    limitOf: (job) => longest + slack * (before(job)?.milliseconds ?? 0),
    reasonNot(job) {
      const earlier = before(job)
      if (earlier?.state === 'not tried') return earlier.reason
      if (ofWholeServer.test(job.command)) return 'it changes what belongs to the whole server, and so to both sides'
      return elsewhere.has(job.database) ? `it runs in the database ${job.database}` : undefined
    },
    hostOf(url) {
      const target = targetOf(url, projectUrl)
      return 'host' in target ? target.host : undefined
    },
    signal,
  })
  return { jobs, runs: was === undefined ? withoutSlow(runs) : runs }
}

function withoutSlow(runs: SideJobs['runs']): SideJobs['runs'] {
  const isSlow = (run: JobRun) => run.state === 'failed' && run.sqlstate === timedOut
  const reason = `it is not done within ${longest / 1000} s`
  return new Map(
    [...runs].map(([name, run]) => [
      name,
      isSlow(run) ? { state: 'not tried', reason, hosts: run.hosts, milliseconds: run.milliseconds } : run,
    ]),
  )
}
