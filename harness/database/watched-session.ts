import pg from 'pg'
import { HarnessError } from '../errors.ts'
import type { Connection, Database } from './engine.ts'

export type WatchedSessionOptions = {
  /** The role that logs in. */
  readonly role: string
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /** What is going on, for who stops it: "applying the migrations". */
  readonly step: string
  readonly signal?: AbortSignal | undefined
  /** Longest time of one statement, in milliseconds. */
  readonly statementTimeout: number
}

/** A session that runs one statement at a time and can be stopped from outside, whatever it does to its own settings. */
export interface WatchedSession extends AsyncDisposable {
  readonly connection: Connection
  readonly database: Database
  /** Of its process on the server. */
  readonly pid: number
  /** Runs one statement as it stands; rows that it returns are dropped. Throws Postgres' error, `TimedOut`, `aborted`. */
  run(sql: string): Promise<void>
  /** `idle`: no transaction is open. `failed`: one is, and can only be rolled back. `gone`: the connection is. */
  state(): 'idle' | 'open' | 'failed' | 'gone'
}

export class TimedOut extends Error {
  override readonly name = 'TimedOut'
}

/** Throws `database.failed`. */
export async function openWatchedSession(database: Database, options: WatchedSessionOptions): Promise<WatchedSession> {
  const { role, applicationName, step } = options
  const connection = await database.connect({ role, applicationName })
  let gone = false
  connection.on('end', () => {
    gone = true
  })
  connection.on('error', () => {
    gone = true
  })
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const pid = rows[0]?.pid ?? 0
  return {
    connection,
    database,
    pid,
    async run(sql) {
      const watch = watchStatement(database, pid, options)
      try {
        await submit(connection, sql)
      } catch (error) {
        if (watch.fired === 'abort') throw stopped(options.signal, step)
        if (watch.fired === 'timeout') throw new TimedOut(`It ran for more than ${seconds(options.statementTimeout)}.`)
        throw error
      } finally {
        watch.stop()
      }
      if (options.signal?.aborted) throw stopped(options.signal, step)
    },
    state() {
      if (gone) return 'gone'
      const status = connection.getTransactionStatus()
      return status === 'T' ? 'open' : status === 'E' ? 'failed' : 'idle'
    },
    async [Symbol.asyncDispose]() {
      if (!gone) await connection.end().catch(() => {})
    },
  }
}

/** With the simple protocol, as psql sends it, so that every kind of statement runs; without keeping any rows. */
function submit(connection: Connection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = new pg.Query(sql)
    query.on('row', () => {})
    query.on('error', reject)
    query.on('end', () => resolve())
    connection.query(query)
  })
}

type Watch = { fired: 'timeout' | 'abort' | undefined; stop(): void }

/** Cancels the statement from another session when its time is up or the run is stopped; a deaf session is ended. */
function watchStatement(database: Database, pid: number, { signal, statementTimeout }: WatchedSessionOptions): Watch {
  let insist: NodeJS.Timeout | undefined
  const fire = (reason: 'timeout' | 'abort') => {
    watch.fired ??= reason
    void tell(database, 'pg_cancel_backend', pid)
    insist ??= setTimeout(() => void tell(database, 'pg_terminate_backend', pid), 5_000)
  }
  const onAbort = () => fire('abort')
  const timer = setTimeout(() => fire('timeout'), statementTimeout)
  signal?.addEventListener('abort', onAbort, { once: true })
  const watch: Watch = {
    fired: undefined,
    stop() {
      clearTimeout(timer)
      clearTimeout(insist)
      signal?.removeEventListener('abort', onAbort)
    },
  }
  return watch
}

async function tell(
  database: Database,
  what: 'pg_cancel_backend' | 'pg_terminate_backend',
  pid: number,
): Promise<void> {
  try {
    await using admin = await database.connect()
    await admin.query(`SELECT ${what}($1)`, [pid])
  } catch {
    // The server is gone; the waiting statement fails by itself.
  }
}

function stopped(signal: AbortSignal | undefined, step: string): HarnessError {
  if (signal?.reason instanceof HarnessError) return signal.reason
  return new HarnessError('aborted', `Stopped while ${step}.`, { facts: { step }, cause: signal?.reason })
}

function seconds(milliseconds: number): string {
  return milliseconds >= 120_000 ? `${Math.round(milliseconds / 60_000)} minutes` : `${milliseconds / 1000} s`
}
