import type { ClientConfig, Pool } from 'pg'
import type { EngineName } from '../model/config.ts'
import { borrow } from './connection.ts'
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

/**
 * The methods of a started server, the same for every engine. `takeDown` is called once, however often it is stopped;
 * `keep` lets it outlive this process.
 */
export function startedCluster(
  facts: ClusterFacts,
  takeDown: () => Promise<void>,
  keep: () => Promise<void> = async () => {},
): Cluster {
  let stopping: Promise<void> | undefined
  const { databasePrefix = '', maintenanceDatabase = 'template1' } = facts
  let sessions: Pool | undefined
  const cluster: Cluster = {
    ...facts,
    capabilities: new Set(facts.capabilities),
    async maintain() {
      // A session costs more than most of what is asked in it, so it is kept for the next; not for long, since it is in
      // the way of whoever makes a database of this one, for which Postgres waits 5 s.
      sessions ??= databaseHandle(cluster, maintenanceDatabase).pool(
        {},
        { allowExitOnIdle: true, idleTimeoutMillis: 2000 },
      )
      return await borrow(sessions)
    },
    async createDatabase(name, { template } = {}) {
      const made = databaseHandle(cluster, `${databasePrefix}${name}`)
      const source = template === undefined ? emptyDatabase(facts) : `${quoteIdentifier(template)} STRATEGY FILE_COPY`
      await using maintenance = await cluster.maintain()
      await maintenance.query(`CREATE DATABASE ${quoteIdentifier(made.name)} OWNER ${adminRole} TEMPLATE ${source}`)
      return made
    },
    keep,
    database: (name) => databaseHandle(cluster, `${databasePrefix}${name}`),
    stop() {
      // Not waited for: a session in use ends with the server, or with its work.
      void sessions?.end().catch(() => {})
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
