import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { HarnessError } from '../../errors.ts'
import type { EgressAttempt } from '../../model/stack.ts'
import { type LazyPart, lazyPart } from '../lazy-part.ts'
import { denoFolder } from './deno.ts'
import { discoverFunctions, type EdgeFunction } from './discover.ts'
import { attemptsIn } from './egress.ts'
import type { Mapping } from './import-map.ts'
import { type FunctionLimits, platformLimits } from './limits.ts'
import type { FunctionLine } from './output.ts'
import { type FunctionProcess, startFunction } from './process.ts'
import { projectOf } from './project.ts'
import { readSecrets } from './secrets.ts'

export type Functions = {
  readonly list: readonly EdgeFunction[]
  readonly limits: FunctionLimits
  /** What in the folder and its settings was left alone, one sentence each; no values. */
  readonly notes: readonly string[]
  /** The running process of a function; starts it when it is first called. Throws `function.unloadable`. */
  get(name: string): Promise<FunctionProcess>
  /** Starts each function once, a few at a time, and ends it; answers why some do not load. Waits for none that runs. */
  load(): Promise<readonly HarnessError[]>
  /** Functions that were called so far, sorted. */
  called(): readonly string[]
  egress(): readonly EgressAttempt[]
  /** Imports of the open internet that were replaced so far, sorted. */
  mappings(): readonly Mapping[]
  /** Ends the processes that run; each starts anew when it is next called, with nothing in its memory. */
  restart(): Promise<void>
  /** Kills the processes that run, also in the middle of a call; answers how many. */
  kill(): Promise<number>
  stop(): Promise<void>
}

export type FunctionsOptions = {
  readonly folder: string
  /** Variables besides those of the folder and of the platform. */
  readonly extra?: Readonly<Record<string, string>>
  readonly environmentOf: (name: string, secrets: Readonly<Record<string, string>>) => Record<string, string>
  /** Ports on 127.0.0.1 that functions may talk to. */
  readonly ports: readonly number[]
  /** Default: the platform's. */
  readonly limits?: Partial<FunctionLimits>
  readonly makeFolder: (name: string) => Promise<string>
  readonly onLine: (name: string, line: FunctionLine) => void
  readonly signal: AbortSignal | undefined
}

/**
 * The edge functions of a folder, one Deno process for each that is called. Nothing is started here.
 * Throws `usage.invalid` for a folder or settings that cannot be read.
 */
export async function openFunctions(options: FunctionsOptions): Promise<Functions> {
  const { folder, extra = {}, environmentOf, ports, makeFolder, onLine, signal } = options
  const root = resolve(folder)
  const limits = { ...platformLimits, ...options.limits }
  const { list, config, notes } = await discoverFunctions(root)
  const secrets = await readSecrets(root, config.secrets, extra)
  const past: EgressAttempt[] = []
  /** Started and not yet stopped, also those that ended by themselves. */
  const started = new Map<FunctionProcess, string>()
  const mappings = new Map<string, string>()
  const called = new Set<string>()
  const attempts = (name: string, audit: string) =>
    attemptsIn(audit, { function: name, root, ports, readable: [denoFolder()] })

  const start = async (edgeFunction: EdgeFunction): Promise<FunctionProcess> => {
    const { name } = edgeFunction
    const project = await projectOf(edgeFunction, root)
    for (const { from, to } of project.importMap.mappings) mappings.set(from, to)
    let process: FunctionProcess | undefined
    process = await startFunction({
      edgeFunction,
      root,
      project,
      env: environmentOf(name, secrets.values),
      ports,
      limits,
      makeFolder,
      signal,
      onLine: (line) => onLine(name, line),
      onStop(audit) {
        past.push(...attempts(name, audit))
        if (process !== undefined) started.delete(process)
      },
    })
    started.set(process, name)
    return process
  }
  const parts = new Map<string, LazyPart<FunctionProcess>>(
    list.map((edgeFunction) => [edgeFunction.name, lazyPart(() => start(edgeFunction))]),
  )

  return {
    list,
    limits,
    notes: [...notes, ...secrets.notes],
    async get(name) {
      const part = parts.get(name)
      if (part === undefined) throw new HarnessError('function.unloadable', `There is no edge function ${name}.`)
      called.add(name)
      return part.get()
    },
    async load() {
      const waiting = list.filter(({ name }) => parts.get(name)?.running() === undefined)
      const failed: HarnessError[] = []
      const loadNext = async (): Promise<void> => {
        const next = waiting.shift()
        if (next === undefined) return
        try {
          await (await start(next)).stop()
        } catch (error) {
          if (!(error instanceof HarnessError) || error.code === 'aborted') throw error
          failed.push(error)
        }
        return loadNext()
      }
      await Promise.all(Array.from({ length: availableParallelism() }, loadNext))
      return failed
    },
    called: () => [...called].sort(),
    egress() {
      const current = [...started].flatMap(([process, name]) => attempts(name, readAudit(process)))
      const seen = new Map<string, EgressAttempt>()
      for (const attempt of [...past, ...current]) {
        const key = JSON.stringify([attempt.function, attempt.host, attempt.where])
        if (!seen.has(key)) seen.set(key, attempt)
      }
      return [...seen.values()]
    },
    mappings: () => [...mappings].map(([from, to]) => ({ from, to })).sort((a, b) => (a.from < b.from ? -1 : 1)),
    async restart() {
      await Promise.all([...parts.values()].map((part) => part.reset()))
    },
    async kill() {
      const running = [...parts.values()].flatMap((part) => part.running() ?? [])
      await Promise.all(running.map((process) => process.kill()))
      return running.length
    },
    async stop() {
      await Promise.all([...parts.values()].map((part) => part.stop()))
    },
  }
}

function readAudit({ auditFile }: FunctionProcess): string {
  try {
    return readFileSync(auditFile, 'utf8')
  } catch {
    return ''
  }
}
