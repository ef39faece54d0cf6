import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export type GuardedProcess = {
  readonly child: ChildProcess
  /** Settles when the program has ended, with what to say about it. */
  readonly exited: Promise<string>
  running(): boolean
  /** Ends the program and waits until it is gone. Idempotent. */
  stop(): Promise<void>
}

export type GuardedOptions = {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Every line of standard output and standard error. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
}

/**
 * The program takes the place of the shell, while `cat` waits on a pipe that only this process holds open. When this
 * process is gone, however it went (`kill -9` too), the pipe closes and the program is killed. On a stop the whole
 * process group is killed at once, so that the watcher never outlives its program and never hits a recycled number.
 */
const watchedStart = '{ cat >/dev/null; kill -9 $$; } <&3 3<&- & exec 3<&-; exec "$@"'

/** Starts a program that never outlives this process. */
export function startGuarded(command: string, args: readonly string[], options: GuardedOptions): GuardedProcess {
  const posix = process.platform !== 'win32'
  const argv = posix ? ['/bin/sh', '-c', watchedStart, 'sh', command, ...args] : [command, ...args]
  const child = spawn(argv[0] ?? command, argv.slice(1), {
    cwd: options.cwd,
    env: { ...options.env },
    // A group of its own: Ctrl-C reaches the harness alone, which then stops its parts in order.
    detached: posix,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  readLines(child.stdout, (line) => options.onLine(line, 'stdout'))
  readLines(child.stderr, (line) => options.onLine(line, 'stderr'))
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const kill = () => {
    if (child.pid === undefined) return
    try {
      if (posix) process.kill(-child.pid, 'SIGKILL')
      else child.kill('SIGKILL')
    } catch {
      // Already gone.
    }
  }
  killOnExit(kill)
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      kills.delete(kill)
      // The watcher is still there when the program ended by itself.
      kill()
      resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`)
    })
  })
  return {
    child,
    exited,
    running,
    async stop() {
      if (!running()) return
      const gone = once(child, 'exit')
      kill()
      await gone
    },
  }
}

const kills = new Set<() => void>()

/** One listener for all programs, of which there may be more than Node takes for a leak. */
function killOnExit(kill: () => void): void {
  if (!process.listeners('exit').includes(killAll)) process.once('exit', killAll)
  kills.add(kill)
}

function killAll(): void {
  for (const kill of kills) kill()
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', onLine)
}
