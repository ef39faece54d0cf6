import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Connection, Database } from '../database/engine.ts'

const lockNotAvailable = '55P03'
const denied = '42501'
/** So long a canary waits for a lock: a migration that meanwhile wants what the canary holds waits no longer. */
const patienceMs = 20

/** A time in which requests of one kind waited for a lock, or failed; by `performance.now()`. */
export type Span = {
  readonly since: number
  readonly until: number
  /** SQLSTATE, when they failed. */
  readonly failedWith?: string
}

export type CanaryLog = {
  readonly requests: number
  readonly spans: readonly Span[]
  /** Milliseconds of each request that got through. */
  readonly times: readonly number[]
  /** Set when requests failed from some time on until the end: what they asked for is gone. */
  readonly gone?: { readonly since: number; readonly sqlstate: string }
}

export interface Canary {
  /** Lets no request out until it is resumed; resolves when none is under way. */
  pause(): Promise<void>
  resume(): void
  stop(): Promise<CanaryLog>
}

/**
 * One client that sends a request every `interval` milliseconds. As service_role where that role may, with triggers
 * off, so that it locks nothing but its own row of its own table. A write is rolled back.
 */
export async function startCanary(
  database: Database,
  {
    requests,
    writes,
    interval,
  }: { readonly requests: readonly string[]; readonly writes: boolean; readonly interval: number },
): Promise<Canary> {
  const session = await database.connect({ applicationName: 'greenlight canary' })
  await session.query(
    `SET session_replication_role = replica; SET lock_timeout = ${patienceMs}; SET client_min_messages = error; SET ROLE service_role`,
  )
  const send = (request: string) => attempt(session, writes ? `BEGIN; ${request}; ROLLBACK` : request)
  const first = requests[0] ?? 'SELECT'
  if ((await send(first)) === denied) await session.query('RESET ROLE')
  return new Client(session, requests, send, interval)
}

/** SQLSTATE of the failure; `undefined` when it got through. */
async function attempt(session: Connection, sql: string): Promise<string | undefined> {
  try {
    await session.query(sql)
    return undefined
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {})
    return error instanceof pg.DatabaseError ? (error.code ?? 'XX000') : '08006'
  }
}

class Client implements Canary {
  readonly #session: Connection
  readonly #requests: readonly string[]
  readonly #send: (request: string) => Promise<string | undefined>
  readonly #interval: number
  readonly #ended = new AbortController()
  readonly #running: Promise<void>
  readonly #spans: Span[] = []
  readonly #times: number[] = []
  #sent = 0
  #open: { since: number; failedWith?: string } | undefined
  #underWay: Promise<unknown> = Promise.resolve()
  #paused: PromiseWithResolvers<void> | undefined

  constructor(
    session: Connection,
    requests: readonly string[],
    send: (request: string) => Promise<string | undefined>,
    interval: number,
  ) {
    this.#session = session
    this.#requests = requests
    this.#send = send
    this.#interval = interval
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await this.#paused?.promise
      if (signal.aborted) return
      const started = performance.now()
      await this.#ask()
      const pause = Math.max(1, started + (this.#open ? patienceMs + 5 : this.#interval) - performance.now())
      await wait(pause, undefined, { signal }).catch(() => {})
    }
  }

  async #ask(): Promise<void> {
    const started = performance.now()
    const request = this.#requests[this.#sent++ % this.#requests.length] ?? 'SELECT'
    const sent = this.#send(request)
    this.#underWay = sent
    this.#note(started, await sent)
  }

  #note(started: number, sqlstate: string | undefined): void {
    const now = performance.now()
    const failedWith = sqlstate === lockNotAvailable ? undefined : sqlstate
    if (this.#open && (sqlstate === undefined || failedWith !== this.#open.failedWith)) {
      this.#spans.push({ ...this.#open, until: now })
      this.#open = undefined
    }
    if (sqlstate === undefined) this.#times.push(now - started)
    else this.#open ??= failedWith === undefined ? { since: started } : { since: started, failedWith }
  }

  async pause(): Promise<void> {
    this.#paused ??= Promise.withResolvers<void>()
    await this.#underWay
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  async stop(): Promise<CanaryLog> {
    this.#ended.abort()
    this.resume()
    await this.#running
    // The last statement may have ended the block an instant ago: only a request tells that from a table that is gone.
    if (this.#open) await this.#ask()
    await this.#session.end().catch(() => {})
    const open = this.#open
    const log = { requests: this.#sent, spans: this.#spans, times: this.#times }
    if (open === undefined) return log
    const { since, failedWith } = open
    if (failedWith !== undefined) return { ...log, gone: { since, sqlstate: failedWith } }
    return { ...log, spans: [...this.#spans, { since, until: performance.now() }] }
  }
}
