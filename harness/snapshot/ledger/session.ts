import type { Connection, Database } from '../../database/engine.ts'
import { messageOf, throwIfAborted } from '../../errors.ts'

/** Both databases with one session each: what compares one table at a time. */
export type SessionPair = { readonly before: Connection; readonly after: Connection }

/**
 * Opens a read-only session in which a value has exactly one text, whatever the server's, the database's or the role's
 * settings are. Once `signal` fires, the session ends and its queries fail.
 */
export async function openSession(database: Database, signal?: AbortSignal): Promise<Connection> {
  throwIfAborted(signal, `opening a session on ${database.name}`)
  const connection = await database.connect({ readOnly: true, applicationName: 'greenlight ledger' })
  const end = () => void connection.end().catch(() => {})
  signal?.addEventListener('abort', end, { once: true })
  connection.once('end', () => signal?.removeEventListener('abort', end))
  try {
    await connection.query(canonicalSettings)
  } catch (error) {
    await connection.end().catch(() => {})
    throw error
  }
  return connection
}

type OpenPair = SessionPair & AsyncDisposable

/** Pairs of the same two databases that nobody uses now: a session costs more than most of what is asked in it. */
export class KeptPairs implements AsyncDisposable {
  readonly #idle: OpenPair[] = []

  /** One that is kept, or else one that `open` opens. Disposal gives it back. */
  async borrow(open: () => Promise<OpenPair>): Promise<OpenPair> {
    const pair = this.#idle.pop() ?? (await open())
    return { before: pair.before, after: pair.after, [Symbol.asyncDispose]: async () => void this.#idle.push(pair) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((pair) => pair[Symbol.asyncDispose]()))
  }
}

/** Opens both sides; when one cannot be opened the other is closed. `kept`: where one may be had already. */
export async function openPair(
  before: Database,
  after: Database,
  signal?: AbortSignal,
  kept?: KeptPairs,
): Promise<OpenPair> {
  throwIfAborted(signal, `opening sessions on ${before.name} and ${after.name}`)
  return kept === undefined
    ? await openBoth(before, after, signal)
    : await kept.borrow(() => openBoth(before, after, signal))
}

async function openBoth(before: Database, after: Database, signal: AbortSignal | undefined): Promise<OpenPair> {
  const opened = await Promise.allSettled([openSession(before, signal), openSession(after, signal)])
  const [left, right] = opened
  const close = async () => {
    await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.end().catch(() => {}) : undefined)))
  }
  if (left.status === 'fulfilled' && right.status === 'fulfilled') {
    return { before: left.value, after: right.value, [Symbol.asyncDispose]: close }
  }
  await close()
  throw left.status === 'rejected'
    ? left.reason
    : right.status === 'rejected'
      ? right.reason
      : new Error(messageOf(opened))
}

/** Runs `work` for each item, `pairs` at a time, in the order of the items; the first failure ends it all. */
export async function eachWithPair<Item>(
  before: Database,
  after: Database,
  items: readonly Item[],
  options: { readonly pairs: number; readonly signal?: AbortSignal | undefined; readonly kept?: KeptPairs | undefined },
  work: (pair: SessionPair, item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  const run = async () => {
    await using pair = await openPair(before, after, options.signal, options.kept)
    for (;;) {
      const item = items[next++]
      if (item === undefined || failed) return
      throwIfAborted(options.signal, 'comparing rows')
      await work(pair, item)
    }
  }
  const workers = Array.from({ length: Math.min(Math.max(1, options.pairs), items.length) }, () =>
    run().catch((error: unknown) => {
      failed = true
      throw error
    }),
  )
  const ended = await Promise.allSettled(workers)
  throwIfAborted(options.signal, 'comparing rows')
  const failure = ended.find((one) => one.status === 'rejected')
  if (failure) throw failure.reason
}

/** Under which a value has one text, whatever the server, the database and the role are set to. */
export const canonicalSettings = `
  SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
  SET extra_float_digits = 3; SET bytea_output = 'hex'; SET xmlbinary = 'base64'; SET lc_monetary = 'C'; SET row_security = off;
  SET statement_timeout = 0; SET jit = off; SET work_mem = '64MB'`
