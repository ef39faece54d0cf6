import { AsyncLocalStorage } from 'node:async_hooks'

type Listener = (line: string) => void

const listening = new AsyncLocalStorage<Listener>()
let patched = false

/**
 * Does the work; meanwhile what the Auth server writes to `console.error` goes to the listener. It writes a failed
 * query there with all its values: the listener gets the SQLSTATE and Postgres' message, never its detail.
 */
export function withErrorOutput<Result>(listener: Listener, work: () => Promise<Result>): Promise<Result> {
  if (!patched) {
    patched = true
    const write = console.error
    console.error = (...args: unknown[]) => {
      const tell = args[0] === 'Auth error:' ? listening.getStore() : undefined
      if (tell === undefined) write(...args)
      else tell(describe(args[1]))
    }
  }
  return listening.run(listener, work)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'Auth failed.'
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return `Auth failed: ${code}${error.message}`
}
