import type { Connection, Database } from '../../database/engine.ts'
import { quoteIdentifier } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Job, JobRun } from './facts.ts'

export type RunJobsOptions = {
  /** Why a job is not to be run; undefined for one that is. */
  readonly reasonNot: (job: Job) => string | undefined
  /** How long a job may take, in milliseconds. */
  readonly limitOf: (job: Job) => number
  /** The host that an address leads to; undefined for the project's own. */
  readonly hostOf: (url: string) => string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs each active job once, as pg_cron does: its command in a session of its own, as its user, with that user's
 * settings. What a job writes stays: hand it a clone. Requests that it makes are left in pg_net's queue, and go nowhere.
 * Throws `database.failed`, `aborted`.
 */
export async function runJobs(
  copy: Database,
  jobs: readonly Job[],
  { reasonNot, limitOf, hostOf, signal }: RunJobsOptions,
): Promise<ReadonlyMap<string, JobRun>> {
  const runs = new Map<string, JobRun>()
  await using watcher = await copy.connect({ applicationName: 'greenlight jobs' })
  for (const job of jobs.filter(({ active }) => active)) {
    throwIfAborted(signal, 'running the scheduled jobs')
    const untried = reasonNot(job) ?? (await overServer(watcher, job))
    if (untried !== undefined) {
      runs.set(job.name, { state: 'not tried', reason: untried, hosts: [], milliseconds: 0 })
      continue
    }
    const last = await lastRequest(watcher)
    const started = performance.now()
    const written = await rowsWritten(watcher)
    const outcome = await runOnce(copy, job, limitOf(job))
    const milliseconds = performance.now() - started
    const urls = last === undefined ? [] : await requestsSince(watcher, last)
    const hosts = [...new Set(urls.flatMap((url) => hostOf(url) ?? []))].sort()
    const facts = { hosts, milliseconds }
    if (outcome.state === 'failed') runs.set(job.name, { ...outcome, ...facts })
    else runs.set(job.name, { ...outcome, ...facts, rows: (await rowsWritten(watcher)) - written })
  }
  return runs
}

type Outcome = { readonly state: 'done' } | { readonly state: 'failed'; readonly sqlstate: string }

/** Its session has ended when this resolves, and with it what it wrote is counted. */
async function runOnce(copy: Database, job: Job, limit: number): Promise<Outcome> {
  await using session = await copy.connect({ applicationName: 'greenlight job' })
  try {
    await becomeUser(session, job.user)
    await session.query(`set statement_timeout = ${Math.round(limit)}`)
    await session.query(job.command)
    return { state: 'done' }
  } catch (error) {
    return { state: 'failed', sqlstate: sqlstateOf(error) }
  }
}

/** Rows that were inserted, updated and deleted in the database so far, by whomever. */
async function rowsWritten(session: Connection): Promise<number> {
  const { rows } = await session.query<{ n: number }>(
    'select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 as n from pg_stat_user_tables',
  )
  return rows[0]?.n ?? 0
}

/** With the settings that a session of this user begins with, of which the search path decides what a command means. */
async function becomeUser(session: Connection, user: string): Promise<void> {
  const { rows } = await session.query<{ setting: string }>(
    `select s.setting from pg_db_role_setting c cross join unnest(c.setconfig) as s(setting)
     where c.setdatabase in (0, (select oid from pg_database where datname = current_database()))
       and c.setrole in (0, coalesce((select oid from pg_roles where rolname = $1), 0))
     order by c.setrole, c.setdatabase`,
    [user],
  )
  const settings = new Map([['search_path', '"$user", public']])
  for (const { setting } of rows) settings.set(...nameAndValue(setting))
  for (const [name, value] of settings) {
    // One that this server does not know is not the job's fault.
    await session.query('select set_config($1, $2, false)', [name, value]).catch(sqlstateOf)
  }
  await session.query(`set session authorization ${quoteIdentifier(user)}`)
}

function nameAndValue(setting: string): [string, string] {
  const at = setting.indexOf('=')
  return [setting.slice(0, at), setting.slice(at + 1)]
}

/** Why a job is better not run: its user can reach the files and programs of the server, which is this machine's. */
async function overServer(session: Connection, { user }: Job): Promise<string | undefined> {
  const { rows } = await session.query<{ over: boolean }>(
    `select bool_or(pg_has_role(r.oid, o.oid, 'member')) as over from pg_roles r, pg_roles o
     where r.rolname = $1 and o.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')`,
    [user],
  )
  return rows[0]?.over ? `its user ${user} may use files and programs of the server` : undefined
}

/** The number of the newest request in pg_net's queue; undefined where there is no queue. */
async function lastRequest(session: Connection): Promise<string | undefined> {
  const { rows: tables } = await session.query<{ present: boolean }>(
    `select to_regclass('net.http_request_queue') is not null as present`,
  )
  if (!tables[0]?.present) return undefined
  const { rows } = await session.query<{ id: string }>(
    'select coalesce(max(id), 0)::text as id from net.http_request_queue',
  )
  return rows[0]?.id
}

async function requestsSince(session: Connection, id: string): Promise<string[]> {
  const { rows } = await session.query<{ url: string }>('select url from net.http_request_queue where id > $1', [id])
  return rows.map(({ url }) => url)
}

/** Databases that some jobs run in while most run in another: theirs is the one that the dump is of. */
export function databasesElsewhere(jobs: readonly Job[]): ReadonlySet<string> {
  const groups = [...Map.groupBy(jobs, ({ database }) => database)]
  const [, ...others] = groups.sort(([, one], [, other]) => other.length - one.length)
  return new Set(others.map(([name]) => name))
}

/** Throws what is not Postgres' answer: a lost connection, a bug. */
function sqlstateOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)) {
    return error.code
  }
  throw error
}
