import { stripVTControlCharacters } from 'node:util'
import { HarnessError } from '../errors.ts'
import type { StageEvents } from '../stages.ts'

export type Stream = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }

/**
 * Progress on stderr: one line for each stage when it ends; on a terminal the running stages are shown below it, with a
 * clock. `close` clears the running line.
 */
export function progressPrinter(
  stream: Stream,
  options: { readonly quiet: boolean; readonly color: boolean },
): StageEvents & { close(): void } {
  if (options.quiet) return { close() {} }
  const paint = (code: number, text: string) => (options.color ? `\u001b[${code}m${text}\u001b[0m` : text)
  const running = new Map<string, { text: string; readonly since: number }>()
  const { show, clear } = statusLine(stream, (text) => paint(2, text))
  const draw = () => {
    if (running.size === 0) return
    const parts = [...running].map(([stage, { text, since }]) => {
      return `${stage}  ${text}  ${Math.floor((performance.now() - since) / 1000)} s`
    })
    show(`… ${parts.join('  … ')}`)
  }
  const clock = stream.isTTY ? setInterval(draw, 250) : undefined
  clock?.unref()
  return {
    onStart(stage) {
      running.set(stage, { text: '', since: performance.now() })
      draw()
    },
    onProgress(stage, text) {
      const one = running.get(stage)
      if (one === undefined) return
      one.text = text
      draw()
    },
    onEnd({ name, status, milliseconds, reason }, failure) {
      clear()
      const detail = shortened(running.get(name)?.text ?? '', (stream.columns ?? 100) - 35)
      running.delete(name)
      const mark = status === 'done' ? paint(32, '✓') : paint(31, '✗')
      const time = `${((milliseconds ?? 0) / 1000).toFixed(1)} s`.padStart(7)
      const text = status === 'done' ? paint(2, detail) : reason
      // What ends the run is told by whoever started it.
      stream.write(`  ${mark} ${name.padEnd(22)}${paint(2, time)}${failure?.endsRun ? '' : `  ${text}`}\n`)
      if (failure?.endsRun) return
      // What Greenlight did not foresee is a bug, and its stack is what a report of it needs.
      const error = failure?.error
      if (error instanceof Error && !(error instanceof HarnessError)) stream.write(`${paint(2, error.stack ?? '')}\n`)
    },
    close() {
      clearInterval(clock)
      clear()
    },
  }
}

/** A line of a terminal that is written over in place, and never so long that it would wrap. Elsewhere nothing is shown. */
export function statusLine(
  stream: Stream,
  paint: (text: string) => string = (text) => text,
): { show(text: string): void; clear(): void } {
  const clear = () => {
    if (stream.isTTY) stream.write('\r\u001b[K')
  }
  return {
    show(text) {
      if (!stream.isTTY) return
      clear()
      stream.write(paint(`  ${stripVTControlCharacters(text)}`.slice(0, (stream.columns ?? 80) - 1)))
    },
    clear,
  }
}

/** At most `columns` wide, cut between words. */
function shortened(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text).replace(/\.$/, '')
  if (plain.length <= columns) return plain
  const cut = plain.slice(0, Math.max(0, columns - 1))
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 0)).replace(/[,:;]$/, '')} …`
}
