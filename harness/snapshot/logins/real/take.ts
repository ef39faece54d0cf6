import { throwIfAborted } from '../../../errors.ts'
import type { Stack } from '../../../model/stack.ts'
import { type LoginStack, logIn, logInWithPassword } from './log-in.ts'
import type { LoginOutcome, LoginUser, SideLogins } from './outcome.ts'

export type TakeOptions = {
  readonly users: readonly LoginUser[]
  readonly canaries: readonly { readonly email: string; readonly password: string }[]
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number) => void
  /** No login is begun later than so many milliseconds after the first. Default: 120,000. */
  readonly patience?: number
}

/** As many at one time on each side keep Auth and Postgres busy; more only wait. */
const atOnce = 4

/**
 * Logs in the canaries with their passwords, and everybody else by a one-time link. Users who share an address go one
 * after the other, since their mails could not be told apart. Throws `stack.start-failed`, `aborted`.
 */
export async function takeRealLogins(
  stack: LoginStack & Pick<Stack, 'logs'>,
  { users, canaries, signal, onProgress, patience = 120_000 }: TakeOptions,
): Promise<SideLogins> {
  const begun = performance.now()
  const outcomes = new Map<string, LoginOutcome>()
  const queue = [...Map.groupBy(users, ({ id, email }) => (email === '' ? id : email.toLowerCase())).values()]
  const work = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      for (const user of group) {
        throwIfAborted(signal, 'logging users in')
        if (performance.now() - started > patience) return
        outcomes.set(
          user.id,
          await logIn(stack, user).catch((error) => {
            // What broke off for one breaks off for all.
            queue.length = 0
            throw error
          }),
        )
        onProgress?.(outcomes.size)
      }
    }
  }
  const passed: LoginOutcome[] = []
  const passwords = [...canaries.entries()]
  const tryPasswords = async () => {
    for (let next = passwords.shift(); next !== undefined; next = passwords.shift()) {
      throwIfAborted(signal, 'logging canaries in')
      const [at, { email, password }] = next
      passed[at] = await logInWithPassword(stack, email, password)
    }
  }
  await all(Array.from({ length: atOnce }, tryPasswords))
  const started = performance.now()
  await all(Array.from({ length: atOnce }, work))
  return {
    users: outcomes,
    canaries: passed,
    sqlstates: sqlstatesIn(stack),
    milliseconds: performance.now() - begun,
  }
}

/** Waits for all of them, and only then throws what one threw. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(work)
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}

/** Only the code of what Postgres said: the message may hold values. */
function sqlstatesIn({ logs }: Pick<Stack, 'logs'>): string[] {
  const codes = logs().flatMap(({ source, line }) =>
    source === 'auth' ? (/^Auth failed: ([0-9A-Z]{5}): /.exec(line)?.[1] ?? []) : [],
  )
  return [...new Set(codes)].toSorted()
}
