import { HarnessError } from '../../errors.ts'

/** `what` stands at `line` and keeps the whole script from being restored. */
export function refusedScript(path: string, line: number, what: string): HarnessError {
  return new HarnessError(
    'dump.not-supported',
    `${path}:${line} holds ${what}. Nothing of the dump is run. Take it again with pg_dump, and look at who wrote this one.`,
    { facts: { path, line } },
  )
}

/** `how`: what shows that the script is not whole. */
export function truncatedScript(path: string, how: string, line?: number): HarnessError {
  return new HarnessError('dump.truncated', `${path} is cut off: ${how}. Copy or take the dump again.`, {
    facts: { path, line },
  })
}

export function overlongStatement(path: string, line: number, limit: number): HarnessError {
  return new HarnessError(
    'dump.not-supported',
    `${path}:${line} begins a statement over ${limit >> 20} MB, or quotes that are never closed. Take the dump again; pg_dump -Fc knows no such limit.`,
    { facts: { path, line } },
  )
}
