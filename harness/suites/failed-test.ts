import type { StackLog } from '../model/stack.ts'
import type { FailedTest } from './control.ts'

const shown = 60

/** For the terminal: what the stack wrote while a test ran that failed. Empty where it wrote nothing. */
export function sayFailed({ name, side, lines }: FailedTest): string {
  if (lines.length === 0) return ''
  const last = lines.slice(-shown)
  const left = lines.length - last.length
  return [
    `\n  While "${name}" ran on ${side}, its stack wrote${left > 0 ? ` (the last ${shown} of ${lines.length} lines)` : ''}:`,
    ...last.map(
      (log) =>
        `    ${originOf(log)}${log.level === 'error' || log.level === 'warn' ? ` ${log.level}` : ''}: ${log.line}`,
    ),
    '',
    '',
  ].join('\n')
}

function originOf({ source, function: name, call }: StackLog): string {
  return call ?? name ?? source
}
