import type { ClientConfig } from 'pg'
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
  readonly removal: string
  readonly image?: string
  readonly adminPassword?: string
  readonly ssl?: NonNullable<ClientConfig['ssl']>
  readonly databasePrefix?: string
  readonly maintenanceDatabase?: string
}

/** The methods of a started server, the same for every engine. `takeDown` is called once, however often it is stopped. */
export function startedCluster(facts: ClusterFacts, takeDown: () => Promise<void>): Cluster {
  let stopping: Promise<void> | undefined
  const { databasePrefix = '', maintenanceDatabase = 'template1' } = facts
  const cluster: Cluster = {
    ...facts,
    capabilities: new Set(facts.capabilities),
    maintain: () => databaseHandle(cluster, maintenanceDatabase).connect(),
    async createDatabase(name, { template } = {}) {
      const made = databaseHandle(cluster, `${databasePrefix}${name}`)
      const source = template === undefined ? emptyDatabase(facts) : `${quoteIdentifier(template)} STRATEGY FILE_COPY`
      await using maintenance = await cluster.maintain()
      await maintenance.query(`CREATE DATABASE ${quoteIdentifier(made.name)} OWNER ${adminRole} TEMPLATE ${source}`)
      return made
    },
    database: (name) => databaseHandle(cluster, `${databasePrefix}${name}`),
    stop() {
      stopping ??= takeDown()
      return stopping
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
  return cluster
}

/**
 * Text compares by code point on every engine, whatever the server was made with: by Postgres itself where it can (17),
 * else by the C library, whose upper and lower case may differ in rare letters.
 */
function emptyDatabase({ serverVersionNum }: ClusterFacts): string {
  const locale =
    serverVersionNum >= 170_000
      ? `LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`
      : `LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'`
  return `template0 ENCODING 'UTF8' ${locale}`
}
