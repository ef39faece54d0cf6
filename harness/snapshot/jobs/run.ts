import pg from 'pg'
import type { Connection, Database } from '../../database/engine.ts'
import { openWatchedSession, TimedOut } from '../../database/watched-session.ts'
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
 * Runs each active job once, in the order given, as pg_cron does: its command in a session that its user has logged in
 * to. What a job writes stays: hand it a clone. Requests that it makes are left in pg_net's queue, and go nowhere.
 * Throws `database.failed`, `aborted`.
 */
export async function runJobs(
  copy: Database,
  jobs: readonly Job[],
  { reasonNot, limitOf, hostOf, signal }: RunJobsOptions,
): Promise<ReadonlyMap<number, JobRun>> {
  const runs = new Map<number, JobRun>()
  await using watcher = await copy.connect({ applicationName: 'greenlight jobs' })
  const queue = await hasQueue(watcher)
  for (const job of jobs.filter(({ active }) => active)) {
    throwIfAborted(signal, step)
    const untried = reasonNot(job) ?? (await overServer(watcher, job))
    if (untried !== undefined) {
      runs.set(job.id, { state: 'not tried', reason: untried, hosts: [], milliseconds: 0 })
      continue
    }
    const last = queue ? await lastRequest(watcher) : undefined
    const written = await rowsWritten(watcher)
    const started = performance.now()
    const outcome = await runOnce(copy, job, limitOf(job), signal)
    const milliseconds = performance.now() - started
    const urls = last === undefined ? [] : await requestsSince(watcher, last)
    const facts = { hosts: [...new Set(urls.flatMap((url) => hostOf(url) ?? []))].sort(), milliseconds }
    if (outcome.state !== 'done') runs.set(job.id, { ...outcome, ...facts })
    else runs.set(job.id, { ...outcome, ...facts, rows: Math.max(0, (await rowsWritten(watcher)) - written) })
  }
  return runs
}

const step = 'running the scheduled jobs'

type Outcome =
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly sqlstate: string }
  | { readonly state: 'not done'; readonly limit: number }

/** Its session has ended when this resolves, and with it what it wrote is counted. */
async function runOnce(
  copy: Database,
  { user, command }: Job,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  await using session = await openWatchedSession(copy, {
    role: user,
    applicationName: 'greenlight job',
    step,
    statementTimeout: limit,
    signal,
  })
  try {
    await session.run(command)
    return { state: 'done' }
  } catch (error) {
    if (error instanceof TimedOut) return { state: 'not done', limit }
    if (error instanceof pg.DatabaseError && error.code !== undefined) return { state: 'failed', sqlstate: error.code }
    // It ended its own session.
    if (session.state() === 'gone') return { state: 'failed', sqlstate: '57P01' }
    throw error
  }
}

/** Rows that were inserted, updated and deleted in the database so far, by whomever. */
async function rowsWritten(session: Connection): Promise<number> {
  const { rows } = await session.query<{ n: number }>(
    'select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 as n from pg_stat_user_tables',
  )
  return rows[0]?.n ?? 0
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

async function hasQueue(session: Connection): Promise<boolean> {
  const { rows } = await session.query<{ present: boolean }>(
    `select to_regclass('net.http_request_queue') is not null as present`,
  )
  return rows[0]?.present ?? false
}

/** The number of the newest request in pg_net's queue. */
async function lastRequest(session: Connection): Promise<string | undefined> {
  const { rows } = await session.query<{ id: string }>(
    'select coalesce(max(id), 0)::text as id from net.http_request_queue',
  )
  return rows[0]?.id
}

async function requestsSince(session: Connection, id: string): Promise<string[]> {
  const { rows } = await session.query<{ url: string }>('select url from net.http_request_queue where id > $1', [id])
  return rows.map(({ url }) => url)
}
