import { HarnessError } from '../errors.ts'

/**
 * What an answer of the stack says that is none of the app's: a part of ours that could not start (503) or broke off
 * (502), or no answer at all (0). Undefined: the app's own, whatever it says. `path`: without a value.
 */
export function noAnswer(
  path: string,
  { status, code, message = '' }: { readonly status: number; readonly code?: string; readonly message?: string },
): HarnessError | undefined {
  const isOwn =
    status === 0 || code === 'stack.failed' || code === 'stack.start-failed' || code === 'engine.unavailable'
  if (!isOwn) return undefined
  const reason = message === '' ? `status ${status}` : message.split('\n')[0]
  return new HarnessError('stack.start-failed', `The stack gave no answer to ${path}: ${reason}`, { facts: { path } })
}
