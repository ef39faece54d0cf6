import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import type { Database } from '../../database/engine.ts'

const run = promisify(execFile)
const image = 'greenlight/postgres:17'

/** PostgreSQL's own pg_dump and pg_restore: the yardstick of tests and benchmarks. */
export interface NativeClient extends AsyncDisposable {
  /** Where the programs come from, for titles: `path` or the name of an image. */
  readonly source: string
  /** Runs a program against a database; paths below the temp folder are the same for it. Milliseconds that it took, without its start-up environment. */
  run(program: NativeProgram, options: readonly string[], database: Database): Promise<NativeRun>
}

export type NativeProgram = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'vacuumdb' | 'psql'
export type NativeRun = {
  readonly milliseconds: number
  /** Of the program and its children. */
  readonly cpuMilliseconds: number
  readonly exitCode: number
  readonly messages: string
}

/** From the path when it has version 17 or newer, else in a container; undefined where neither is to be had. */
export async function findNativeClient(): Promise<NativeClient | undefined> {
  const version = await run('pg_restore', ['--version']).catch(() => undefined)
  const major = Number(/\b(\d+)\.\d+/.exec(version?.stdout ?? '')?.[1] ?? 0)
  if (major >= 17)
    return { source: 'path', run: (...call) => timed([], ...call), [Symbol.asyncDispose]: async () => {} }
  const found = await run('docker', ['image', 'inspect', image]).catch(() => undefined)
  return found && startContainer()
}

async function startContainer(): Promise<NativeClient> {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const folder = tmpdir()
  const { stdout } = await run('docker', [
    ...['run', '--detach', '--rm', '--network', 'host', '--user', user, '--label', 'greenlight=native-client'],
    ...['--volume', `${folder}:${folder}`, image, 'sleep', '3600'],
  ])
  const id = stdout.trim()
  return {
    source: image,
    run: (...call) => timed(['docker', 'exec', '--env', 'PGPASSWORD', id], ...call),
    async [Symbol.asyncDispose]() {
      await run('docker', ['rm', '--force', id]).catch(() => {})
    },
  }
}

/** Takes the time where the program runs, so that entering a container does not count. */
async function timed(
  prefix: readonly string[],
  program: NativeProgram,
  options: readonly string[],
  database: Database,
): Promise<NativeRun> {
  const { host, port, password, user } = database.config()
  const command = [...['--host', `${host}`], ...['--port', `${port}`], ...['--username', `${user}`], ...options]
  const script = 'TIMEFORMAT="took %R %U %S"; time "$@"; echo "exit $?" >&2'
  const [file = 'bash', ...args] = [...prefix, 'bash', '-c', script, 'bash', program, ...command]
  const { stderr } = await run(file, args, {
    env: { ...process.env, PGPASSWORD: String(password), PGDATABASE: database.name },
    maxBuffer: 64 << 20,
  })
  const [, real = 0, inProgram = 0, inKernel = 0, exitCode = 1] =
    /took ([\d.]+) ([\d.]+) ([\d.]+)\nexit (\d+)\s*$/.exec(stderr)?.map(Number) ?? []
  return {
    milliseconds: Math.round(real * 1000),
    cpuMilliseconds: Math.round((inProgram + inKernel) * 1000),
    exitCode,
    messages: stderr,
  }
}
