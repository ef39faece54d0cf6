import { randomBytes } from 'node:crypto'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { startedCluster } from '../cluster.ts'
import { connect } from '../connection.ts'
import { adminRole, type Capability, type Connection, type Engine } from '../engine.ts'
import { quoteLiteral } from '../identifiers.ts'
import { type ServerAddress, serverAddress } from './address.ts'
import { type Claim, claimServer, release } from './claim.ts'
import { isListed, signsOfProduction, takeUse } from './production.ts'

/**
 * A server that exists already, of PostgreSQL 14 or newer, whose superuser we may be. Databases and roles are made on it
 * and go again; whatever was there before is neither read nor changed.
 */
export const urlEngine: Engine = {
  name: 'url',
  offers: ['template-clones', 'superuser', 'statement-statistics'],
  async available() {
    return { ok: true }
  },
  async start({ signal, existing, platformRoles = [], keep }) {
    if (keep)
      throw new HarnessError(
        'usage.invalid',
        '--keep is for servers of Greenlight’s own: on another’s server nothing is left behind.',
      )
    const address = serverAddress(existing?.url, process.env)
    if (isListed(address, existing?.productionHosts ?? [])) {
      throw new HarnessError(
        'engine.looks-like-production',
        `${address.host} is listed in the config as a host of production: nothing is rehearsed there, whatever flag says otherwise.`,
      )
    }
    throwIfAborted(signal, 'connecting to the server')
    const session = await connect({ ...address, application_name: 'greenlight', keepAlive: true })
    let claim: Claim | undefined
    try {
      const facts = await takeFacts(session)
      const signs = signsOfProduction(address, await takeUse(session))
      if (signs.length > 0 && existing?.notProduction !== true) {
        throw new HarnessError(
          'engine.looks-like-production',
          `The server at ${address.host}:${address.port} looks like production: ${signs.join('; ')}. If it is none, say so with --i-know-this-is-not-production. Nothing was changed on it.`,
          { facts: { signs } },
        )
      }
      checkRights(address, facts)
      claim = await claimServer(session)
      checkRoles(claim, address, platformRoles)
      const made = claim
      const password = await makeAdmin(session, claim)
      return startedCluster(
        {
          engine: 'url',
          capabilities: capabilitiesOf(facts),
          serverVersion: facts.version,
          serverVersionNum: facts.versionNum,
          host: address.host,
          port: address.port,
          password,
          ...(claim.roles.includes(adminRole) ? { adminPassword: address.password } : {}),
          ...(address.ssl === undefined ? {} : { ssl: address.ssl }),
          databasePrefix: claim.prefix,
          maintenanceDatabase: address.database,
          location: `${address.host}:${address.port}`,
          removal: 'the next run with this engine',
        },
        async () => {
          try {
            await release(session, made)
          } finally {
            await session.end()
          }
        },
      )
    } catch (error) {
      if (claim !== undefined) await release(session, claim).catch(() => {})
      await session.end().catch(() => {})
      throw error
    }
  },
}

type Facts = {
  readonly version: string
  readonly versionNum: number
  readonly superuser: boolean
  readonly statistics: boolean
}

async function takeFacts(session: Connection): Promise<Facts> {
  const { rows } = await session.query(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
            current_setting('server_version_num')::int AS "versionNum",
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
            EXISTS (SELECT FROM pg_settings WHERE name = 'shared_preload_libraries' AND setting LIKE '%pg_stat_statements%') AS statistics`,
  )
  return rows[0]
}

/** What is missing in it is told by `doctor` and in the report. */
function capabilitiesOf({ statistics }: Facts): readonly Capability[] {
  return ['template-clones', 'superuser', ...(statistics ? (['statement-statistics'] as const) : [])]
}

function checkRights({ host, user }: ServerAddress, { superuser, versionNum, version }: Facts): void {
  if (versionNum < 140_000) {
    throw new HarnessError(
      'engine.unavailable',
      `The server at ${host} is PostgreSQL ${version}; the engine url needs 14 or newer.`,
    )
  }
  if (superuser) return
  throw new HarnessError(
    'engine.unavailable',
    `Role ${user} is no superuser on ${host}: the roles, owners and event triggers of a dump cannot be restored by it, and its copy would not be production. Name a superuser, or use --engine embedded or container.`,
  )
}

/** Roles belong to the whole server: those of a project that lives there would be changed under it. */
function checkRoles({ roles }: Claim, { user, host }: ServerAddress, platformRoles: readonly string[]): void {
  const taken = platformRoles.filter((role) => roles.includes(role) && !(role === adminRole && role === user))
  if (taken.length === 0) return
  throw new HarnessError(
    'engine.unavailable',
    `The server at ${host} has roles that a copy of production brings along: ${taken.join(', ')}. They are not changed. Use a server without them, made for instance with initdb -U ${adminRole}.`,
    { facts: { taken } },
  )
}

/** The role that Greenlight works as, unless it is the one that the URL names. Returns the password of what is made. */
async function makeAdmin(session: Connection, claim: Claim): Promise<string> {
  const password = randomBytes(24).toString('base64url')
  if (!claim.roles.includes(adminRole)) {
    await session.query(
      `CREATE ROLE ${adminRole} LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD ${quoteLiteral(password)}`,
    )
  }
  return password
}
