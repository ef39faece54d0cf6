import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { HarnessError } from '../../errors.ts'
import type { EgressAttempt } from '../../model/stack.ts'
import { type LazyPart, lazyPart } from '../lazy-part.ts'
import { discoverFunctions, type EdgeFunction } from './discover.ts'
import { attemptsIn } from './egress.ts'
import type { Mapping } from './import-map.ts'
import { type FunctionProcess, startFunction } from './process.ts'
import { importMapOf, readSources } from './project.ts'

export type Functions = {
  readonly list: readonly EdgeFunction[]
  /** The running process of a function; starts it when it is first called. Throws `function.unloadable`. */
  get(name: string): Promise<FunctionProcess>
  egress(): readonly EgressAttempt[]
  /** Imports of the open internet that were replaced so far, sorted. */
  mappings(): readonly Mapping[]
  stop(): Promise<void>
}

export type FunctionsOptions = {
  readonly folder: string
  readonly environmentOf: (name: string) => Record<string, string>
  /** Ports on 127.0.0.1 that functions may talk to. */
  readonly ports: readonly number[]
  readonly makeFolder: (name: string) => Promise<string>
  readonly onLine: (name: string, line: string) => void
  readonly signal: AbortSignal | undefined
}

/** The edge functions of a folder, one Deno process for each that is called. Nothing is started here. */
export async function openFunctions({
  folder,
  environmentOf,
  ports,
  makeFolder,
  onLine,
  signal,
}: FunctionsOptions): Promise<Functions> {
  const root = resolve(folder)
  const list = await discoverFunctions(root)
  const past: EgressAttempt[] = []
  const mappings = new Map<string, string>()
  let sources: Promise<string[]> | undefined

  const start = async (edgeFunction: EdgeFunction): Promise<FunctionProcess> => {
    const { name } = edgeFunction
    sources ??= readSources(root)
    const importMap = await importMapOf(edgeFunction, root, await sources)
    for (const { from, to } of importMap.mappings) mappings.set(from, to)
    return startFunction({
      edgeFunction,
      root,
      importMap,
      env: environmentOf(name),
      ports,
      makeFolder,
      signal,
      onLine: (line) => onLine(name, line),
      onStop: (audit) => past.push(...attemptsIn(audit, name, ports)),
    })
  }
  const parts = new Map<string, LazyPart<FunctionProcess>>(
    list.map((edgeFunction) => [edgeFunction.name, lazyPart(() => start(edgeFunction))]),
  )

  return {
    list,
    async get(name) {
      const part = parts.get(name)
      if (part === undefined) throw new HarnessError('function.unloadable', `There is no edge function ${name}.`)
      return part.get()
    },
    egress() {
      const current = [...parts].flatMap(([name, part]) => {
        const process = part.running()
        return process === undefined ? [] : attemptsIn(readAudit(process), name, ports)
      })
      const seen = new Map([...past, ...current].map((attempt) => [`${attempt.function} ${attempt.host}`, attempt]))
      return [...seen.values()]
    },
    mappings: () => [...mappings].map(([from, to]) => ({ from, to })).sort((a, b) => (a.from < b.from ? -1 : 1)),
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
