import type { Pool } from 'pg'
import type { Database } from '../../database/engine.ts'
import { HarnessError, messageOf, throwIfAborted } from '../../errors.ts'
import { withErrorOutput } from './error-output.ts'
import { authFront } from './front.ts'
import { loadServer } from './load.ts'
import { indexLookUps } from './look-up-indexes.ts'
import { prepareStatements } from './prepared.ts'
import { useUuidRefreshTokens } from './refresh-tokens.ts'

export type Auth = {
  fetch(request: Request): Promise<Response>
  running(): boolean
  stop(): Promise<void>
}

export type AuthMail = {
  readonly to: string
  readonly subject: string
  readonly html?: string | undefined
  readonly text?: string | undefined
}

export type AuthOptions = {
  readonly database: Database
  /** Sessions as the admin role on the database. */
  readonly sessions: Pool
  readonly jwtSecret: string
  /** Of the stack. */
  readonly url: string
  readonly onMail: (mail: AuthMail) => void
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal | undefined
}

const authRole = 'supabase_auth_admin'

/**
 * A GoTrue-compatible Auth server in this process, over the accounts of the database, as role `supabase_auth_admin`
 * (as the admin role where that one cannot log in). New accounts must confirm their e-mail, the platform's default.
 * It has no admin API beyond reading users, no MFA, no anonymous sign-in, no hooks; bcrypt passwords only.
 * Throws `stack.start-failed`, `aborted`.
 */
export async function startAuth(options: AuthOptions): Promise<Auth> {
  const { database, sessions, jwtSecret, url, onMail, onLine, signal } = options
  throwIfAborted(signal, 'starting Auth')
  let pool: Pool | undefined
  try {
    await prepare(sessions)
    const accounts = await accountsOf(database)
    pool = accounts.pool
    const { App, createPostgresConnection } = await loadServer()
    const connection = createPostgresConnection({ url: database.url(accounts.role), postgresOptions })
    prepareStatements(connection.driver)
    const app = new App({
      connection,
      auth: {
        enabled: true,
        jwt_secret: jwtSecret,
        site_url: url,
        enable_signup: true,
        email: { enable_signup: true, enable_confirmations: true },
      },
      options: { server: { apiKeys: false }, drivers: { email: { send: async (mail) => onMail(mail) } } },
    })
    await app.init()
    let stopped = false
    return {
      fetch: authFront({
        server: (request) => withErrorOutput(onLine, async () => app.fetch(request)),
        pool: accounts.pool,
        issuer: `${url}/auth/v1`,
        jwtSecret,
        onLine,
      }),
      running: () => !stopped,
      async stop() {
        if (stopped) return
        stopped = true
        await Promise.all([connection.close(), accounts.pool.end()])
      },
    }
  } catch (cause) {
    await pool?.end()
    if (cause instanceof HarnessError) throw cause
    throw new HarnessError('stack.start-failed', `Auth did not start: ${messageOf(cause)}`, {
      facts: { part: 'auth' },
      cause,
    })
  }
}

/** Values as GoTrue has them: metadata is handed over as JSON text already, times are answered in ISO 8601. */
const postgresOptions = {
  max: 4,
  onnotice: () => {},
  connection: { application_name: 'greenlight auth' },
  types: {
    jsonb: {
      to: 3802,
      from: [3802],
      serialize: (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)),
      parse: (text: string): unknown => JSON.parse(text),
    },
    timestamptz: {
      to: 1184,
      from: [1184],
      serialize: (value: string) => value,
      parse: (text: string) => new Date(text).toISOString(),
    },
  },
}

async function prepare(sessions: Pool): Promise<void> {
  const { rows } = await sessions.query<{ users: string | null }>(`select to_regclass('auth.users') as users`)
  if (rows[0]?.users == null) {
    throw new HarnessError(
      'stack.start-failed',
      'Auth cannot start: the database has no table auth.users. Is the dump one of the whole database, with the auth schema in it?',
      { facts: { part: 'auth' } },
    )
  }
  await useUuidRefreshTokens(sessions)
  await indexLookUps(sessions)
}

/** Sessions of Auth's role, or of the admin role where that one cannot log in. */
async function accountsOf(database: Database): Promise<{ readonly pool: Pool; readonly role?: string }> {
  const naming = { applicationName: 'greenlight auth' }
  const pool = database.pool({ ...naming, role: authRole })
  try {
    await pool.query('select')
    return { pool, role: authRole }
  } catch {
    await pool.end()
    return { pool: database.pool(naming) }
  }
}
