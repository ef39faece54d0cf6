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

/** As many at one time keep Auth and Postgres busy; more only wait. */
const atOnce = 8

/**
 * Logs in the canaries with their passwords, and everybody else by a one-time link. Users who share an address go one
 * after the other, since their mails could not be told apart. Throws `stack.start-failed`, `aborted`.
 */
export async function takeRealLogins(
  stack: LoginStack & Pick<Stack, 'logs'>,
  { users, canaries, signal, onProgress, patience = 120_000 }: TakeOptions,
): Promise<SideLogins> {
  const started = performance.now()
  const passed: LoginOutcome[] = []
  for (const { email, password } of canaries) passed.push(await logInWithPassword(stack, email, password))
  const outcomes = new Map<string, LoginOutcome>()
  const queue = [...Map.groupBy(users, ({ id, email }) => (email === '' ? id : email.toLowerCase())).values()]
  const work = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      for (const user of group) {
        throwIfAborted(signal, 'logging users in')
        if (performance.now() - started > patience) return
        outcomes.set(user.id, await logIn(stack, user))
        onProgress?.(outcomes.size)
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, work))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return {
    users: outcomes,
    canaries: passed,
    sqlstates: sqlstatesIn(stack),
    milliseconds: performance.now() - started,
  }
}

/** Only the code of what Postgres said: the message may hold values. */
function sqlstatesIn({ logs }: Pick<Stack, 'logs'>): string[] {
  const codes = logs().flatMap(({ source, line }) =>
    source === 'auth' ? (/^Auth failed: ([0-9A-Z]{5}): /.exec(line)?.[1] ?? []) : [],
  )
  return [...new Set(codes)].toSorted()
}
