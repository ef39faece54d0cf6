/**
 * Every failure that Greenlight foresees. The code is stable (CI scripts match on it), facts are in `facts`,
 * the wording is in the message: what is wrong, where, what to do next. Anything that is not a `HarnessError`
 * is a bug and keeps its stack.
 */
export const errorCodes = [
  'dump.not-found',
  'dump.empty',
  'dump.unrecognised',
  'dump.truncated',
  'dump.corrupt',
  'dump.unsupported-version',
  'dump.newer-server',
  'dump.not-supported',
  'dump.too-large',
  'migrations.not-found',
  'migrations.empty',
  'migrations.not-utf8',
  'migrations.unparsable',
  'config.not-found',
  'config.invalid',
  'config.unloadable',
  'usage.invalid',
  'client.unavailable',
  'capture.failed',
  'engine.unavailable',
  'engine.start-failed',
  'engine.disk-full',
  'engine.port-taken',
  'engine.looks-like-production',
  'database.failed',
  'database.changing',
  'stack.start-failed',
  'function.unloadable',
  'suites.not-found',
  'suites.failed',
  'stage.timed-out',
  'report.unwritable',
  'aborted',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export type ErrorFacts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export class HarnessError extends Error {
  override readonly name = 'HarnessError'
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  /** `message`: sentences for a person: what is wrong, where, what to do. Never a row value, a password or a Postgres `detail`. */
  constructor(code: ErrorCode, message: string, options: { facts?: ErrorFacts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.facts = options.facts ?? {}
  }
}

/** The text of anything thrown, for a sentence: a `HarnessError`'s or an `Error`'s message, or the value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Throws `aborted`, naming the step, once the signal has fired. Call it between steps that take long. */
export function throwIfAborted(signal: AbortSignal | undefined, step: string): void {
  if (!signal?.aborted) return
  if (signal.reason instanceof HarnessError) throw signal.reason
  throw new HarnessError('aborted', `Stopped while ${step}.`, { facts: { step }, cause: signal.reason })
}
