import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))

export type Ended = {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** Folders of clusters that the run left behind. */
  readonly left: readonly string[]
}

/** Runs the command line as a user would, from the repository's root, and looks for what it left behind. For tests. */
export async function runGreenlight(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  const run = execa(process.execPath, [cli, 'run', ...args], {
    cwd: repository,
    reject: false,
    env: { NO_COLOR: '1', ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
  })
  const { exitCode, stdout, stderr } = await run
  return { exitCode, stdout, stderr, left: workspacesOf(run.pid) }
}

/** Workspaces of clusters that process `pid` made and that are still there. */
export function workspacesOf(pid: number | undefined): string[] {
  return [tmpdir(), '/dev/shm'].flatMap((root) => list(root)).filter((name) => name.startsWith(`greenlight-${pid}-`))
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
