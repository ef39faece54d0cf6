import { addAbortSignal } from 'node:stream'
import { HarnessError, throwIfAborted } from '../../errors.ts'

/** What is piped in, once: a second reader would find nothing. Throws `usage.invalid` and `aborted`. */
export async function* standardInput(signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const { stdin } = process
  if (stdin.isTTY || stdin.readableEnded || stdin.destroyed) {
    throw new HarnessError(
      'usage.invalid',
      stdin.isTTY
        ? '--dump - reads standard input, and nothing is piped into it: pg_dump -Fc … | greenlight run --dump - …'
        : 'Standard input was read already: --dump - can be given once.',
    )
  }
  try {
    for await (const piece of signal ? addAbortSignal(signal, stdin) : stdin) yield piece as Buffer
  } catch (error) {
    throwIfAborted(signal, 'reading standard input')
    throw error
  }
}
