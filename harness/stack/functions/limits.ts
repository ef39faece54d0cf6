import { readFileSync } from 'node:fs'

/** What the platform gives one function. Defaults: as on its paid plans. */
export type FunctionLimits = {
  /** Memory of the function's code and data. Default: 256. */
  readonly memoryMegabytes: number
  /** A call that has no answer after so long is answered 504. Default: 150. */
  readonly idleSeconds: number
  /** A worker is ended after so long, whatever it does. Default: 400. */
  readonly wallClockSeconds: number
}

export const platformLimits: FunctionLimits = { memoryMegabytes: 256, idleSeconds: 150, wallClockSeconds: 400 }

/** What the runtime itself takes, before any code of the function: seen are 60 to 110 MB. */
const runtimeMegabytes = 128
const intervalMs = 100

/**
 * Watches the memory of a process where the system tells it (Linux); elsewhere V8's own limit of its heap is all. Calls
 * `onExceeded` once. Returns how to end the watch.
 */
export function watchMemory(pid: number, megabytes: number, onExceeded: () => void): () => void {
  if (process.platform !== 'linux') return () => {}
  const timer = setInterval(() => {
    if (residentKilobytes(pid) <= (megabytes + runtimeMegabytes) * 1024) return
    clearInterval(timer)
    onExceeded()
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** At once: the kernel has it in memory, and three calls of other threads would take ten times as long. 0: the process is gone. */
function residentKilobytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
