import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { asFlags, serverSettings, statementStatistics } from '../server-settings.ts'
import type { Binaries } from './binaries.ts'
import { makeData } from './data-template.ts'
import type { ServerUser } from './server-user.ts'
import { serverEnvironment, startFailure } from './server-words.ts'
import type { Workspace } from './workspace.ts'

const settings: Readonly<Record<string, string>> = {
  ...serverSettings,
  ...statementStatistics,
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  scram_iterations: '1',
}

const startTimeoutMs = 60_000

export type Server = {
  readonly port: number
  readonly password: string
  stop(): Promise<void>
  /** Without waiting. */
  kill(): void
}

/** Makes a cluster in the workspace and starts it on a free loopback port (or on `port`). */
export async function startServer(
  binaries: Binaries,
  workspace: Workspace,
  options: { user: ServerUser | undefined; signal?: AbortSignal | undefined; keep: boolean; port?: number | undefined },
): Promise<Server> {
  const password = randomBytes(24).toString('base64url')
  await makeData(binaries, workspace, password, options)
  // A port that was free a moment ago may be taken by the time the server asks for it.
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const child = spawnServer(binaries, workspace, port, options)
    try {
      await ready(child, workspace, port, options.signal)
      return { port, password, stop: () => stopServer(child), kill: () => child.kill('SIGQUIT') }
    } catch (error) {
      await stopServer(child)
      const taken = error instanceof HarnessError && error.code === 'engine.port-taken'
      if (!taken || options.port !== undefined || attempt === 3) throw error
    }
  }
}

function spawnServer(
  binaries: Binaries,
  workspace: Workspace,
  port: number,
  { user, keep }: { user: ServerUser | undefined; keep: boolean },
): ChildProcess {
  const log = openSync(workspace.log, 'w', 0o600)
  const flags = asFlags({ ...settings, port: String(port) })
  const child = spawn(binaries.postgres, ['-D', workspace.data, ...flags], {
    ...(user ?? {}),
    cwd: workspace.path,
    env: serverEnvironment(),
    // A session of its own: Ctrl-C in the terminal reaches the harness, which then stops the server in order.
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  if (keep) child.unref()
  return child
}

/** Waits for the line "ready" that the postmaster writes into its pid file. */
async function ready(
  child: ChildProcess,
  workspace: Workspace,
  port: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const deadline = Date.now() + startTimeoutMs
  while (true) {
    throwIfAborted(signal, 'starting the database server')
    const log = () => readFile(workspace.log, 'utf8').catch(() => '')
    if (failure !== undefined) throw startFailure('postgres', failure.message, failure)
    if (child.exitCode !== null || child.signalCode !== null)
      throw startFailure('postgres', await log(), undefined, port)
    const pidFile = await readFile(join(workspace.data, 'postmaster.pid'), 'utf8').catch(() => '')
    if (pidFile.split('\n')[7]?.trim() === 'ready') return
    if (Date.now() > deadline)
      throw startFailure('postgres', `not ready after ${startTimeoutMs / 1000} s\n${await log()}`)
    // The server offers no signal to a process that is not its service manager, only this file.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  // Immediate shutdown: the data is thrown away anyway.
  child.kill('SIGQUIT')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  probe.close()
  await once(probe, 'close')
  return port
}
