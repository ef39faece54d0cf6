/** One line that an edge function wrote. May hold row values: for a person at the terminal, never for a report. */
export type FunctionLine = {
  readonly line: string
  /** As on the platform's log page; `error` also for what the runtime says of a function that ends. */
  readonly level: 'debug' | 'info' | 'log' | 'warn' | 'error'
  /** The call during which it was written; none for what the module writes when it loads. */
  readonly call?: string
}

type Heading = Omit<FunctionLine, 'line'>

/**
 * Reads what a function's process writes: the guard marks the beginning and the end of every text with a nonce, so that
 * each line is told with its call and level, and says so the port that it listens on.
 */
export function outputReader(
  nonce: string,
  { onPort, onLine }: { readonly onPort: (port: number) => void; readonly onLine: (line: FunctionLine) => void },
): (raw: string, stream: 'stdout' | 'stderr') => void {
  const outside: Heading = { level: 'log' }
  let heading = outside
  return (raw, stream) => {
    // The guard writes on the one; on the other speaks the runtime itself.
    if (stream === 'stderr') return onLine({ line: raw, level: 'error' })
    // Not always at the start of the line: the function may have left one unfinished.
    const at = raw.indexOf(nonce)
    const text = at < 0 ? raw : raw.slice(0, at)
    if (at !== 0) onLine({ line: text, ...heading })
    if (at < 0) return
    const [kind, first = '', call = ''] = raw.slice(at + nonce.length + 1).split(' ')
    if (kind === 'port') onPort(Number(first))
    else heading = kind === 'begin' ? { level: levelOf(first), ...(call === '' ? {} : { call }) } : outside
  }
}

function levelOf(word: string): FunctionLine['level'] {
  return word === 'debug' || word === 'info' || word === 'warn' || word === 'error' ? word : 'log'
}
