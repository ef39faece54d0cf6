import type { Cloner } from './clones.ts'
import type { Connection, Database } from './database/engine.ts'
import type { Check } from './model/check.ts'
import type { Side } from './model/suite-run.ts'
import { loginRoles } from './platform/login-roles.ts'
import { compareJobs } from './snapshot/jobs/compare.ts'
import type { Job, SideJobs } from './snapshot/jobs/facts.ts'
import { pairsOf } from './snapshot/jobs/pairs.ts'
import { runJobs } from './snapshot/jobs/run.ts'
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
  /** How long a job of before may take, in milliseconds. Default: 30,000. */
  readonly longest?: number
  readonly signal: AbortSignal
}

/** A job of after may take so much more than before, times what it took there. */
const slack = 4

/** A glance, not a parse: whom it wrongly fits is told as not tried. */
const ofWholeServer =
  /\b(create|alter|drop)\s+(role|user|group|database|tablespace)\b(?!\s+mapping)|\balter\s+system\b|\bpg_(terminate|cancel)_backend\b/i

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
  return { findings, checks: options.notInDump ? checks.map(withoutJobsOfProduction) : checks }
}

/** Those that the migrations schedule were run; those of production nobody has seen. */
function withoutJobsOfProduction(check: Check): Check {
  if (check.status !== 'passed') return check
  const { summary: _, ...rest } = check
  const reason = 'the dump does not hold the jobs of production; a dump by pg_dump does'
  return { ...rest, required: false, status: 'not run', reason }
}

/** `was`: what is known of them before. Jobs that were there are run first, and in the same order, so that they find the same. */
export async function jobsOn(
  database: Database,
  { clone, secretsByHand = [], longest = 30_000, signal }: JobsOptions,
  was?: SideJobs,
): Promise<SideJobs> {
  await using copy = await clone(database)
  await using session = await copy.connect()
  const jobs = await takeJobs(session)
  if (jobs.length === 0) return { jobs, runs: new Map() }
  const keys = await makeKeys()
  await fillVault(session, projectUrl, keys)
  await addSecrets(session, secretsByHand, projectUrl, keys)
  const pairs = pairsOf(was?.jobs ?? jobs, jobs)
  const earlier = new Map(pairs.map(({ was: old, is }) => [is?.id, old && was?.runs.get(old.id)]))
  const elsewhere = await databasesElsewhere(session, was?.jobs ?? jobs, jobs)
  const runs = await runJobs(
    copy,
    pairs.flatMap(({ is }) => is ?? []),
    {
      limitOf({ id }) {
        const run = earlier.get(id)
        return run?.state === 'not done' ? longest : longest + slack * (run?.milliseconds ?? 0)
      },
      reasonNot({ command, database: name, user }) {
        if (ofWholeServer.test(command)) return 'it changes what belongs to the whole server, and so to both sides'
        if (elsewhere.has(name)) return `it runs in the database ${name}`
        return loginRoles.includes(user) || user === 'supabase_admin' ? undefined : `nobody can log in as ${user} here`
      },
      hostOf(url) {
        const target = targetOf(url, projectUrl)
        return 'host' in target ? target.host : undefined
      },
      signal,
    },
  )
  return { jobs, runs }
}

/**
 * Databases of jobs that are not the one that the dump is of: that is the platform's own, or else what most jobs of before
 * have, or one of this server, where migrations schedule theirs.
 */
async function databasesElsewhere(
  session: Connection,
  before: readonly Job[],
  jobs: readonly Job[],
): Promise<ReadonlySet<string>> {
  const { rows } = await session.query<{ name: string }>('select datname::text as name from pg_database')
  const groups = [...Map.groupBy(before, ({ database }) => database)]
  const most = Math.max(0, ...groups.map(([, all]) => all.length))
  const common = groups.filter(([, all]) => all.length === most).map(([name]) => name)
  const usual = common.includes('postgres') ? 'postgres' : common[0]
  const here = new Set([...rows.map(({ name }) => name), ...(usual === undefined ? ['postgres'] : [usual])])
  return new Set(jobs.map(({ database }) => database).filter((name) => !here.has(name)))
}
