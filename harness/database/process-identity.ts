import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process, told apart from a later one that got the same number. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string }

/** `undefined` when no such process runs. `startedAt` is the kernel's own figure; compare it, do not read it. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    if (process.platform === 'linux') {
      // Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces and parentheses.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return undefined
      return { pid, startedAt: fields[19] ?? '' }
    }
    const startedAt = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return startedAt === '' ? undefined : { pid, startedAt }
  } catch {
    return undefined
  }
}

export function isRunning(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startedAt === process.startedAt
}
