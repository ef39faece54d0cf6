import pg, { type ClientConfig } from 'pg'
import { connect } from './connection.ts'
import { adminRole, type Cluster, type ConnectOptions, type Database } from './engine.ts'
import { quoteIdentifier } from './identifiers.ts'

/** A database of a cluster, by its name; nothing is opened until it is asked for. */
export function databaseHandle(cluster: Cluster, name: string): Database {
  const { host, port, ssl } = cluster
  const passwordOf = (role: string) =>
    role === adminRole ? (cluster.adminPassword ?? cluster.password) : cluster.password
  const config = (role: string = adminRole): ClientConfig => ({
    host,
    port,
    password: passwordOf(role),
    user: role,
    database: name,
    ...(ssl === undefined ? {} : { ssl }),
  })
  const handle: Database = {
    name,
    cluster,
    config,
    url: (role = adminRole) =>
      `postgres://${encodeURIComponent(role)}:${encodeURIComponent(passwordOf(role))}@${host}:${port}/${encodeURIComponent(name)}${ssl === undefined ? '' : '?sslmode=require'}`,
    connect: (options = {}) => connect(sessionConfig(config(options.role), options)),
    pool(options = {}, pooling = {}) {
      const pool = new pg.Pool({ max: 4, ...sessionConfig(config(options.role), options), ...pooling })
      // An idle session that the server ends (a clone that is dropped) is no news to anyone.
      pool.on('error', () => {})
      return pool
    },
    async clone(copy) {
      await endSessions(cluster, name)
      const clone = await cluster.createDatabase(copy, { template: name })
      await carryProperties(cluster, name, clone.name)
      return clone
    },
    async drop() {
      await using maintenance = await cluster.maintain()
      await maintenance.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
    },
    [Symbol.asyncDispose]: () => handle.drop(),
  }
  return handle
}

function sessionConfig(config: ClientConfig, { readOnly, applicationName }: ConnectOptions): ClientConfig {
  return {
    ...config,
    application_name: applicationName ?? 'greenlight',
    ...(readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
  }
}

async function endSessions(cluster: Cluster, name: string): Promise<void> {
  await using maintenance = await cluster.maintain()
  // Waiting (ms) for each session to be gone: CREATE DATABASE … TEMPLATE refuses while one is left.
  await maintenance.query(
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
    [name],
  )
}

/**
 * Owner, grants and settings of a database are not part of a template, yet a clone must answer as its original does.
 * They are copied in the catalogue itself: written as ALTER … SET, a list setting such as search_path would be quoted anew.
 */
async function carryProperties(cluster: Cluster, from: string, to: string): Promise<void> {
  await using maintenance = await cluster.maintain()
  const facts = await maintenance.query('SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1', [
    from,
  ])
  await maintenance.query(`ALTER DATABASE ${quoteIdentifier(to)} OWNER TO ${quoteIdentifier(facts.rows[0].owner)}`)
  await maintenance.query(
    'UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = $1) WHERE datname = $2',
    [from, to],
  )
  await maintenance.query(
    `INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
     SELECT copy.oid, setting.setrole, setting.setconfig
     FROM pg_db_role_setting setting
     JOIN pg_database original ON original.oid = setting.setdatabase AND original.datname = $1
     CROSS JOIN pg_database copy
     WHERE copy.datname = $2`,
    [from, to],
  )
}
