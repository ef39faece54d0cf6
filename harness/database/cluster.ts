import type { EngineName } from '../model/config.ts'
import { databaseHandle } from './database.ts'
import { adminRole, type Capability, type Cluster } from './engine.ts'
import { quoteIdentifier } from './identifiers.ts'

export type ClusterFacts = {
  readonly engine: EngineName
  readonly capabilities: readonly Capability[]
  readonly serverVersion: string
  readonly serverVersionNum: number
  readonly host: string
  readonly port: number
  readonly password: string
  readonly location: string
}

/** The methods of a started server, the same for every engine. `takeDown` is called once, however often it is stopped. */
export function startedCluster(facts: ClusterFacts, takeDown: () => Promise<void>): Cluster {
  let stopping: Promise<void> | undefined
  const cluster: Cluster = {
    ...facts,
    capabilities: new Set(facts.capabilities),
    async createDatabase(name, { template } = {}) {
      const source =
        template === undefined ? 'TEMPLATE template0' : `TEMPLATE ${quoteIdentifier(template)} STRATEGY FILE_COPY`
      await using maintenance = await databaseHandle(cluster, 'template1').connect()
      await maintenance.query(`CREATE DATABASE ${quoteIdentifier(name)} OWNER ${adminRole} ${source}`)
      return databaseHandle(cluster, name)
    },
    database: (name) => databaseHandle(cluster, name),
    stop() {
      stopping ??= takeDown()
      return stopping
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
  return cluster
}
