import { databaseHandle } from '../../database/database.ts'
import type { Cluster } from '../../database/engine.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'

/**
 * One restore in a process of its own, for benchmarks: its peak memory is then the restore's and nobody else's.
 * Arguments: the dump, the name of a fresh database, the facts of its server as JSON, and `masked` for masks where the
 * defaults put them. Writes a `ChildResult`.
 */
export type ChildFacts = Pick<Cluster, 'engine' | 'host' | 'port' | 'password' | 'serverVersion' | 'serverVersionNum'>

export type ChildResult = {
  readonly readMilliseconds: number
  readonly restoreMilliseconds: number
  readonly analyzeMilliseconds: number
  readonly peakMegabytes: number
  /** Of all its threads: what the machine's other work does not change. */
  readonly cpuMilliseconds: number
  readonly failed: number
  readonly maskedValues: number
  readonly phases: readonly { readonly name: string; readonly milliseconds: number }[]
}

const [path = '', name = '', facts = '{}', masked] = process.argv.slice(2)
const cluster: Cluster = {
  ...(JSON.parse(facts) as ChildFacts),
  location: '',
  removal: '',
  maintain: () => Promise.reject(new Error('not here')),
  capabilities: new Set(),
  createDatabase: () => Promise.reject(new Error('not here')),
  database: (other) => databaseHandle(cluster, other),
  keep: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const start = performance.now()
const dump = await readDump(path)
const read = performance.now() - start
const run = await restore(dump, cluster.database(name), {
  jobs: 2,
  ...(masked === 'masked' ? { mask: { config: {}, keep: [] } } : {}),
})
const cpu = process.cpuUsage()
const result: ChildResult = {
  readMilliseconds: Math.round(read),
  restoreMilliseconds: run.milliseconds,
  analyzeMilliseconds: run.phases.find((phase) => phase.name === 'analyze')?.milliseconds ?? 0,
  peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  cpuMilliseconds: Math.round((cpu.user + cpu.system) / 1000),
  failed: run.entries.filter((entry) => entry.fate === 'failed' || entry.fate === 'refused').length,
  maskedValues: (run.masking?.columns ?? []).reduce((sum, { values }) => sum + values, 0),
  phases: run.phases,
}
process.stdout.write(JSON.stringify(result))
