import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { startGuarded } from '../guarded-process.ts'
import { denoBinary, denoFolder } from './deno.ts'
import type { EdgeFunction } from './discover.ts'
import type { ImportMap } from './import-map.ts'
import { runtimeModule } from './project.ts'

export type FunctionProcess = {
  readonly port: number
  /** Deno's record of every permission that was asked for, one JSON object a line. */
  readonly auditFile: string
  running(): boolean
  stop(): Promise<void>
}

export type FunctionProcessOptions = {
  readonly edgeFunction: EdgeFunction
  /** The functions folder. */
  readonly root: string
  readonly importMap: ImportMap
  readonly env: Readonly<Record<string, string>>
  /** Ports on 127.0.0.1 that the function may talk to. */
  readonly ports: readonly number[]
  /** Makes a private folder; it is removed with the process. */
  readonly makeFolder: (name: string) => Promise<string>
  readonly onLine: (line: string) => void
  readonly onStop: (audit: string) => void
  readonly signal: AbortSignal | undefined
}

const startTimeoutMs = 60_000

/**
 * Runs one edge function in a Deno process that can reach nothing but the stack: no other host, no other port, no
 * program, no file but the functions folder and the package cache, and no environment but its own. Packages that are not
 * in the cache yet are fetched once, before the function runs. Resolves when it listens.
 * Throws `engine.unavailable`, `function.unloadable`, `aborted`.
 */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  const { edgeFunction, signal } = options
  const step = `starting the edge function ${edgeFunction.name}`
  throwIfAborted(signal, step)
  const deno = denoBinary()
  const folder = await options.makeFolder('function')
  try {
    const importMap = join(folder, 'import_map.json')
    await writeFile(importMap, JSON.stringify({ imports: options.importMap.imports }))
    const main = await mainModule(edgeFunction, folder)
    const files = { folder, importMap, main }
    let outcome = await attempt(deno, files, 'none', options)
    if (lacksPackages(outcome)) {
      throwIfAborted(signal, step)
      const missing = await fetchPackages(deno, importMap, options)
      // Without a registry, the packages that the project itself has installed will do, where their versions fit.
      outcome = await attempt(deno, files, missing === undefined ? 'none' : 'manual', options)
      if (missing !== undefined && !('port' in outcome)) outcome = missing
    }
    throwIfAborted(signal, step)
    if ('port' in outcome) return outcome
    throw unloadable(edgeFunction, outcome)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/**
 * The module to run: the function itself, or for one that exports a handler (`export default { fetch }`) a module that
 * serves it.
 */
async function mainModule({ entry }: EdgeFunction, folder: string): Promise<string> {
  if (!/\bexport\s+default\b|\bas\s+default\b/.test(await readFile(entry, 'utf8'))) return entry
  const path = join(folder, 'main.js')
  const specifier = JSON.stringify(pathToFileURL(entry).href)
  await writeFile(
    path,
    `import handler from ${specifier}\nif (handler?.fetch) Deno.serve((request) => handler.fetch(request))\n`,
  )
  return path
}

type Files = { readonly folder: string; readonly importMap: string; readonly main: string }
/** `none`: Deno's own cache. `manual`: the node_modules folders above the function. */
type PackageSource = 'none' | 'manual'
type Failed = { readonly reason: string; readonly output: readonly string[] }

async function attempt(
  deno: string,
  { folder, importMap, main }: Files,
  packages: PackageSource,
  options: FunctionProcessOptions,
): Promise<FunctionProcess | Failed> {
  const { edgeFunction, root, ports, onLine, onStop, signal } = options
  const nonce = randomUUID()
  const auditFile = join(folder, 'audit.jsonl')
  const cache = denoFolder()
  const output: string[] = []
  const listening = Promise.withResolvers<number>()
  const program = startGuarded(
    deno,
    [
      'run',
      '--quiet',
      '--no-prompt',
      '--no-check',
      '--no-lock',
      '--no-config',
      '--cached-only',
      `--node-modules-dir=${packages}`,
      `--import-map=${importMap}`,
      `--preload=${runtimeModule('guard')}`,
      '--allow-env',
      `--allow-net=${['127.0.0.1:0', ...ports.map((port) => `127.0.0.1:${port}`)].join(',')}`,
      `--allow-read=${[root, dirname(edgeFunction.entry), cache].join(',')}`,
      '--v8-flags=--max-old-space-size=256',
      main,
    ],
    {
      cwd: root,
      env: {
        ...options.env,
        DENO_DIR: cache,
        DENO_AUDIT_PERMISSIONS: auditFile,
        NO_COLOR: '1',
        GREENLIGHT_NONCE: nonce,
      },
      onLine(line) {
        // Not always at the start of the line: the function may have left one unfinished.
        const announced = line.indexOf(nonce)
        if (announced >= 0) return listening.resolve(Number(line.slice(announced + nonce.length)))
        output.push(line)
        if (output.length > 100) output.shift()
        onLine(line)
      },
    },
  )
  const stop = async () => {
    await program.stop()
    onStop(await readFile(auditFile, 'utf8').catch(() => ''))
    await rm(folder, { recursive: true, force: true })
  }
  const timeout = Promise.withResolvers<string>()
  const timer = setTimeout(() => timeout.resolve(`it does not listen after ${startTimeoutMs / 1000} s`), startTimeoutMs)
  const abort = () => timeout.resolve('stopped')
  signal?.addEventListener('abort', abort)
  const outcome = await Promise.race([listening.promise, program.exited, timeout.promise])
  clearTimeout(timer)
  signal?.removeEventListener('abort', abort)
  if (typeof outcome === 'number') return { port: outcome, auditFile, running: program.running, stop }
  await program.stop()
  onStop(await readFile(auditFile, 'utf8').catch(() => ''))
  return { reason: outcome, output }
}

function lacksPackages(outcome: FunctionProcess | Failed): boolean {
  return !('port' in outcome) && outcome.output.some((line) => line.includes('--cached-only is specified'))
}

/** Fills Deno's cache from the npm registry, with this process's own settings for it (proxy, certificates, .npmrc). */
async function fetchPackages(
  deno: string,
  importMap: string,
  { edgeFunction, signal }: FunctionProcessOptions,
): Promise<Failed | undefined> {
  const run = await execa(
    deno,
    [
      'cache',
      '--quiet',
      '--no-lock',
      '--no-config',
      '--node-modules-dir=none',
      `--import-map=${importMap}`,
      edgeFunction.entry,
    ],
    {
      env: { DENO_DIR: denoFolder(), NO_COLOR: '1' },
      cwd: dirname(edgeFunction.entry),
      reject: false,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  )
  return run.failed ? { reason: 'a module could not be fetched', output: run.stderr.split('\n') } : undefined
}

function unloadable({ name }: EdgeFunction, { reason, output }: Failed): HarnessError {
  const words = output
    .filter((line) => line.trim() !== '' && !/^\s*(Stack backtrace:|\d+: <unknown>|Download )/.test(line))
    .slice(-8)
    .join('\n  ')
  return new HarnessError(
    'function.unloadable',
    `The edge function ${name} does not load: ${reason}.${words === '' ? '' : ` Deno says:\n  ${words}`}`,
    { facts: { function: name } },
  )
}
