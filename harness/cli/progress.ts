import { stripVTControlCharacters } from 'node:util'
import { HarnessError } from '../errors.ts'
import type { StageEvents } from '../stages.ts'

type Stream = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }

/**
 * Progress on stderr: one line for each stage when it ends; on a terminal the running stage is shown below it, with a
 * clock. `close` clears the running line.
 */
export function progressPrinter(
  stream: Stream,
  options: { readonly quiet: boolean; readonly color: boolean },
): StageEvents & { close(): void } {
  if (options.quiet) return { close() {} }
  const paint = (code: number, text: string) => (options.color ? `\u001b[${code}m${text}\u001b[0m` : text)
  let running: { stage: string; text: string; since: number } | undefined
  const clear = () => {
    if (stream.isTTY) stream.write('\r\u001b[K')
  }
  const draw = () => {
    if (!stream.isTTY || running === undefined) return
    const seconds = Math.floor((performance.now() - running.since) / 1000)
    const line = `  … ${running.stage}  ${running.text}  ${seconds} s`
    clear()
    stream.write(paint(2, stripVTControlCharacters(line).slice(0, (stream.columns ?? 80) - 1)))
  }
  const clock = stream.isTTY ? setInterval(draw, 250) : undefined
  clock?.unref()
  return {
    onStart(stage) {
      running = { stage, text: '', since: performance.now() }
      draw()
    },
    onProgress(_, text) {
      if (running === undefined) return
      running.text = text
      draw()
    },
    onEnd({ name, status, milliseconds, reason }, error) {
      clear()
      const detail = shortened(running?.text ?? '', (stream.columns ?? 100) - 35)
      running = undefined
      const mark = status === 'done' ? paint(32, '✓') : paint(31, '✗')
      const time = `${((milliseconds ?? 0) / 1000).toFixed(1)} s`.padStart(7)
      stream.write(`  ${mark} ${name.padEnd(22)}${paint(2, time)}  ${status === 'done' ? paint(2, detail) : reason}\n`)
      // What Greenlight did not foresee is a bug, and its stack is what a report of it needs.
      if (error instanceof Error && !(error instanceof HarnessError)) stream.write(`${paint(2, error.stack ?? '')}\n`)
    },
    close() {
      clearInterval(clock)
      clear()
    },
  }
}

/** At most `columns` wide, cut between words. */
function shortened(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text).replace(/\.$/, '')
  if (plain.length <= columns) return plain
  const cut = plain.slice(0, Math.max(0, columns - 1))
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 0)).replace(/[,:;]$/, '')} …`
}
