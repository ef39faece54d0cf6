import { dirname } from 'node:path'
import { denoFolder } from './deno.ts'
import type { EdgeFunction } from './discover.ts'
import { runtimeModule } from './project.ts'

/** `none`: Deno's own cache. `manual`: the node_modules folders above the function. */
export type PackageSource = 'none' | 'manual'

export type DenoRun = {
  readonly edgeFunction: EdgeFunction
  /** The functions folder. */
  readonly root: string
  /** The module to run. */
  readonly main: string
  /** `deno.json` made for it: import map, compiler options. */
  readonly config: string
  /** Where it may write: the platform's /tmp. */
  readonly scratch: string
  readonly packages: PackageSource
  readonly ports: readonly number[]
  readonly memoryMegabytes: number
}

/** Deno reads these itself and would send requests there without asking for permission; a function cannot set them. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
])

/**
 * Arguments of a Deno that can reach nothing but the stack: no other host, no other port, no program, no file but the
 * functions folder and the package cache, and no environment but its own.
 */
export function runArguments(run: DenoRun): string[] {
  return [
    'run',
    '--quiet',
    '--no-prompt',
    '--no-check',
    '--no-lock',
    '--cached-only',
    '--unstable-no-legacy-abort',
    `--config=${run.config}`,
    `--node-modules-dir=${run.packages}`,
    `--preload=${runtimeModule('guard')}`,
    '--allow-env',
    `--ignore-env=${proxyVariables.join(',')}`,
    `--allow-net=${['127.0.0.1:0', ...run.ports.map((port) => `127.0.0.1:${port}`)].join(',')}`,
    `--allow-read=${[run.root, dirname(run.edgeFunction.entry), denoFolder(), run.scratch].join(',')}`,
    `--allow-write=${run.scratch}`,
    // Deep enough that the function's own line is in the trace of an attempt made by a package.
    `--v8-flags=--max-old-space-size=${run.memoryMegabytes},--stack-trace-limit=60`,
    run.main,
  ]
}
