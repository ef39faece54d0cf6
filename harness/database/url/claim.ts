import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { HarnessError } from '../../errors.ts'
import type { Connection } from '../engine.ts'
import { quoteIdentifier, quoteLiteral } from '../identifiers.ts'

/** A role that nobody can be: while it is there, a rehearsal has the server, and its comment tells which. */
const markerRole = 'greenlight_rehearsal'

/** What one run has on a server that is not its own. Everything it makes can be told from what was there. */
export type Claim = {
  /** Begins the name of each of its databases. */
  readonly prefix: string
  /** Where it runs, for a person. */
  readonly owner: string
  /** The session that is open as long as the run lives. */
  readonly session: { readonly pid: number; readonly started: string }
  /** Roles that were there before: these are never dropped. */
  readonly roles: readonly string[]
}

/** Takes the server for this run. Throws `engine.unavailable` when another one has it. What a killed one left goes first. */
export async function claimServer(session: Connection): Promise<Claim> {
  const found = await readClaim(session)
  if (found !== undefined) {
    if (await isAlive(session, found)) {
      throw new HarnessError(
        'engine.unavailable',
        `Another rehearsal (${found.owner}) has this server. Its roles belong to the whole server: wait until it has ended.`,
      )
    }
    await release(session, found)
  }
  const { rows } = await session.query(
    `SELECT pid, backend_start::text AS started, (SELECT array_agg(rolname::text ORDER BY 1) FROM pg_roles) AS roles
     FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
  )
  const { pid, started, roles } = rows[0]
  const claim: Claim = {
    prefix: `greenlight_${randomBytes(4).toString('hex')}_`,
    owner: `${hostname()}, process ${process.pid}`,
    session: { pid, started },
    roles,
  }
  // One statement, one transaction: the role is never there without its comment.
  await session.query(
    `CREATE ROLE ${markerRole} NOLOGIN; COMMENT ON ROLE ${markerRole} IS ${quoteLiteral(JSON.stringify(claim))}`,
  )
  return claim
}

/** Drops the databases and roles of a run, and its claim last. Idempotent. Returns the roles that others use by now, which stay. */
export async function release(session: Connection, claim: Claim): Promise<readonly string[]> {
  const databases = await session.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
    claim.prefix,
  ])
  for (const { datname } of databases.rows) {
    await session.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(datname)} WITH (FORCE)`)
  }
  // A role with anything in a database that is left is somebody else's, made meanwhile.
  const { rows } = await session.query(
    `SELECT rolname, EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid AND dbid <> 0)
              OR EXISTS (SELECT FROM pg_database WHERE datdba = r.oid) AS used
     FROM pg_roles r WHERE rolname <> ALL ($1) AND rolname <> $2`,
    [claim.roles, markerRole],
  )
  const gone = rows.filter(({ used }) => !used).map(({ rolname }) => quoteIdentifier(rolname))
  if (gone.length > 0) {
    // Grants on parameters, the one thing left that names them.
    await session.query(`DROP OWNED BY ${gone.join(', ')}; DROP ROLE ${gone.join(', ')}`)
  }
  await session.query(`DROP ROLE IF EXISTS ${markerRole}`)
  return rows.filter(({ used }) => used).map(({ rolname }) => rolname)
}

async function readClaim(session: Connection): Promise<Claim | undefined> {
  const { rows } = await session.query(
    `SELECT shobj_description(oid, 'pg_authid') AS claim FROM pg_roles WHERE rolname = $1`,
    [markerRole],
  )
  if (rows[0] === undefined) return undefined
  const claim: Claim | undefined = parsed(rows[0].claim)
  // The prefix decides what is dropped: one that is not ours must drop nothing.
  if (claim === undefined || !/^greenlight_[0-9a-f]{8}_$/.test(claim.prefix) || !Array.isArray(claim.roles)) {
    throw new HarnessError(
      'engine.unavailable',
      `The server has a role ${markerRole} that Greenlight did not make, or whose comment was changed. Drop it, and databases whose names begin with greenlight_, yourself.`,
    )
  }
  return claim
}

async function isAlive(session: Connection, { session: { pid, started } }: Claim): Promise<boolean> {
  const { rows } = await session.query(
    'SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2 AND pid <> pg_backend_pid()',
    [pid, started],
  )
  return rows.length > 0
}

function parsed(text: string | null): Claim | undefined {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
