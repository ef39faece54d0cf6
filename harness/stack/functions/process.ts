import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { startGuarded } from '../guarded-process.ts'
import { denoBinary, denoFolder } from './deno.ts'
import { type PackageSource, runArguments } from './deno-run.ts'
import type { EdgeFunction } from './discover.ts'
import { drain } from './drain.ts'
import { type FunctionLimits, watchMemory } from './limits.ts'
import { type FunctionLine, outputReader } from './output.ts'
import { type Failed, fetchPackages, unloadableReason } from './packages.ts'
import type { Project } from './project.ts'

/** Why a process that was listening ended by itself. */
export type Ending = 'memory' | 'wall clock' | 'error'

/**
 * One edge function that listens: the seam behind which another runtime could stand, which would listen on a port,
 * write lines, keep a record of what was refused, and end.
 */
export type FunctionProcess = {
  readonly port: number
  /** Deno's record of every permission that was asked for, one JSON object a line. */
  readonly auditFile: string
  /** Settles when it ends without having been stopped. */
  readonly ended: Promise<Ending>
  running(): boolean
  /** Waits for its background tasks, for at most some seconds, and ends it. */
  stop(): Promise<void>
  /** Ends it at once, with whatever it is doing: its calls fail as after a crash. */
  kill(): Promise<void>
  /** Takes no more calls: the next one starts another process. */
  retire(): void
}

export type FunctionProcessOptions = {
  readonly edgeFunction: EdgeFunction
  /** The functions folder. */
  readonly root: string
  readonly project: Project
  readonly env: Readonly<Record<string, string>>
  /** Ports on 127.0.0.1 that the function may talk to. */
  readonly ports: readonly number[]
  readonly limits: FunctionLimits
  /** Makes a private folder; it is removed with the process. */
  readonly makeFolder: (name: string) => Promise<string>
  readonly onLine: (line: FunctionLine) => void
  readonly onStop: (audit: string) => void
  readonly signal: AbortSignal | undefined
}

const startTimeoutMs = 60_000

/**
 * Runs one edge function in a Deno process that can reach nothing but the stack. Packages that are not in the cache yet
 * are fetched once, before the function runs. Resolves when it listens.
 * Throws `engine.unavailable`, `function.unloadable`, `aborted`.
 */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  const { edgeFunction, signal } = options
  const { name, problem } = edgeFunction
  const step = `starting the edge function ${name}`
  throwIfAborted(signal, step)
  if (problem !== undefined) throw unloadable(edgeFunction, `${problem}.`)
  const deno = denoBinary()
  const folder = await options.makeFolder('function')
  try {
    const files = await writeFiles(options, folder)
    let outcome = await attempt(deno, files, 'none', options)
    if (!('port' in outcome) && outcome.output.some((line) => line.includes('--cached-only is specified'))) {
      throwIfAborted(signal, step)
      const missing = await fetchPackages(deno, files.config, edgeFunction, signal)
      // Without a registry, the packages that the project itself has installed will do, where their versions fit.
      outcome = await attempt(deno, files, missing === undefined ? 'none' : 'manual', options)
      if (missing !== undefined && !('port' in outcome)) outcome = missing
    }
    throwIfAborted(signal, step)
    if ('port' in outcome) return outcome
    throw unloadable(edgeFunction, unloadableReason(outcome, options.project.importMap.mappings))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

type Files = { readonly folder: string; readonly config: string; readonly main: string; readonly scratch: string }

/** `main` is the function itself, or for one that exports a handler (`export default { fetch }`) a module that serves it. */
async function writeFiles({ edgeFunction, project }: FunctionProcessOptions, folder: string): Promise<Files> {
  const { imports, scopes } = project.importMap
  const config = join(folder, 'deno.json')
  const scratch = join(folder, 'tmp')
  await mkdir(scratch, { mode: 0o700 })
  await writeFile(config, JSON.stringify({ ...project.settings, imports, scopes }))
  const { entry } = edgeFunction
  if (!/\bexport\s+default\b|\bas\s+default\b/.test(await readFile(entry, 'utf8'))) {
    return { folder, config, main: entry, scratch }
  }
  const main = join(folder, 'main.js')
  const specifier = JSON.stringify(pathToFileURL(entry).href)
  await writeFile(
    main,
    `import handler from ${specifier}
if (typeof handler?.fetch === 'function') Deno.serve((request, info) => handler.fetch(request, info))
else if (typeof handler === 'function') Deno.serve(handler)
`,
  )
  return { folder, config, main, scratch }
}

async function attempt(
  deno: string,
  { folder, config, main, scratch }: Files,
  packages: PackageSource,
  options: FunctionProcessOptions,
): Promise<FunctionProcess | Failed> {
  const { edgeFunction, root, ports, limits, onLine, onStop, signal } = options
  const { memoryMegabytes, wallClockSeconds } = limits
  const nonce = randomUUID()
  const auditFile = join(folder, 'audit.jsonl')
  const output: string[] = []
  const listening = Promise.withResolvers<number>()
  const read = outputReader(nonce, {
    onPort: listening.resolve,
    onLine(line) {
      output.push(line.line)
      if (output.length > 100) output.shift()
      onLine(line)
    },
  })
  const program = startGuarded(
    deno,
    runArguments({ edgeFunction, root, main, config, scratch, packages, ports, memoryMegabytes }),
    {
      cwd: root,
      env: {
        ...options.env,
        TMPDIR: scratch,
        DENO_DIR: denoFolder(),
        DENO_AUDIT_PERMISSIONS: auditFile,
        DENO_TRACE_PERMISSIONS: '1',
        DENO_NO_UPDATE_CHECK: '1',
        NO_COLOR: '1',
        GREENLIGHT_NONCE: nonce,
      },
      onLine: read,
    },
  )
  const tellAudit = async () => onStop(await readFile(auditFile, 'utf8').catch(() => ''))
  const timeout = Promise.withResolvers<string>()
  const timer = setTimeout(() => timeout.resolve(`it does not listen after ${startTimeoutMs / 1000} s`), startTimeoutMs)
  const abort = () => timeout.resolve('stopped')
  signal?.addEventListener('abort', abort)
  const port = await Promise.race([listening.promise, program.exited, timeout.promise])
  clearTimeout(timer)
  signal?.removeEventListener('abort', abort)
  if (typeof port !== 'number') {
    await program.stop()
    await tellAudit()
    return { reason: port, output }
  }

  let state: 'serving' | 'retired' | 'stopping' = 'serving'
  let cause: Ending | undefined
  const end = (why: Ending) => () => {
    cause = why
    void program.stop()
  }
  const unwatch = watchMemory(program.child.pid ?? 0, memoryMegabytes, end('memory'))
  const wallClock = setTimeout(end('wall clock'), wallClockSeconds * 1000).unref()
  const ended = Promise.withResolvers<Ending>()
  void program.exited.then(() => {
    unwatch()
    clearTimeout(wallClock)
    if (state !== 'stopping') ended.resolve(cause ?? (output.some(isOutOfMemory) ? 'memory' : 'error'))
  })
  return {
    port,
    auditFile,
    ended: ended.promise,
    running: () => state === 'serving' && program.running(),
    retire() {
      state = 'retired'
    },
    kill: () => program.stop(),
    async stop() {
      if (state === 'serving' && program.running() && !(await drain(port, nonce))) {
        onLine({ line: 'Background tasks were not done when the stack stopped; they were ended.', level: 'error' })
      }
      state = 'stopping'
      await program.stop()
      await tellAudit()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const isOutOfMemory = (line: string) => /heap limit|out of memory|Array buffer allocation failed/i.test(line)

function unloadable({ name }: EdgeFunction, reason: string): HarnessError {
  return new HarnessError('function.unloadable', `The edge function ${name} does not load: ${reason}`, {
    facts: { function: name },
  })
}
