import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Pool } from 'pg'
import type { Database } from '../../database/engine.ts'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import type { Upstream } from '../forward.ts'
import { startGuarded } from '../guarded-process.ts'
import { postgrestBinary } from './binary.ts'

export type DataApi = {
  readonly upstream: Upstream
  readonly schemas: readonly string[]
  running(): boolean
  stop(): Promise<void>
}

export type DataApiOptions = {
  readonly database: Database
  /** Sessions as the admin role on the database. */
  readonly sessions: Pool
  readonly jwtSecret: string
  /** Makes a private folder; it is removed with the program. */
  readonly makeFolder: (name: string) => Promise<string>
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal | undefined
}

const exposedSchemas = ['public', 'graphql_public']
const startTimeoutMs = 30_000
const readinessPath = '/greenlight_readiness'
const loadedLine = 'Schema cache loaded'

/**
 * PostgREST over the database, as role `authenticator`, listening on a socket in a private folder: no port to race
 * for, nobody else can connect. Resolves once its schema cache is loaded.
 * Throws `engine.unavailable` (no binary), `stack.start-failed`, `aborted`.
 */
export async function startDataApi({
  database,
  sessions,
  jwtSecret,
  makeFolder,
  onLine,
  signal,
}: DataApiOptions): Promise<DataApi> {
  throwIfAborted(signal, 'starting the Data API')
  const binary = postgrestBinary()
  const schemas = await presentSchemas(sessions)
  const folder = await makeFolder('rest')
  const socketPath = join(folder, 'socket')
  const output: string[] = []
  const loaded = Promise.withResolvers<void>()
  const program = startGuarded(binary, [], {
    cwd: folder,
    // The environment, since arguments are there for every user of the machine to read.
    env: {
      PGRST_DB_URI: database.url('authenticator'),
      PGRST_DB_SCHEMAS: schemas.join(','),
      PGRST_DB_EXTRA_SEARCH_PATH: 'public,extensions',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_POOL: '4',
      // The platform's default: what an app gets there in one answer, it gets here.
      PGRST_DB_MAX_ROWS: '1000',
      PGRST_DB_CHANNEL_ENABLED: 'false',
      PGRST_DB_CONFIG: 'true',
      PGRST_JWT_SECRET: jwtSecret,
      PGRST_JWT_AUD: '',
      PGRST_LOG_LEVEL: 'error',
      PGRST_SERVER_UNIX_SOCKET: socketPath,
      PGRST_SERVER_UNIX_SOCKET_MODE: '600',
      TZ: 'UTC',
    },
    onLine(line) {
      if (line.includes(loadedLine)) loaded.resolve()
      if (line === '' || line.includes(readinessPath)) return
      output.push(line)
      if (output.length > 50) output.shift()
      onLine(line)
    },
  })
  const stop = async () => {
    await program.stop()
    await rm(folder, { recursive: true, force: true })
  }
  let ended: string | undefined
  void program.exited.then((reason) => {
    ended = reason
  })
  const time = AbortSignal.any([AbortSignal.timeout(startTimeoutMs), ...(signal === undefined ? [] : [signal])])
  await Promise.race([loaded.promise, program.exited, endOf(time)])
  for (;;) {
    if (ended !== undefined || time.aborted) {
      await stop()
      throwIfAborted(signal, 'starting the Data API')
      const failure = ended ?? `not ready after ${startTimeoutMs / 1000} s`
      throw new HarnessError('stack.start-failed', startFailure(failure, output), {
        facts: { part: 'data-api', timedOut: ended === undefined },
      })
    }
    if (await isReady(socketPath)) break
    // It listens a moment before or after it says that it has loaded.
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  return { upstream: { socketPath }, schemas, running: program.running, stop }
}

/** PostgREST refuses to start for a schema that is not there; `public` is always asked for, so that its absence is told. */
async function presentSchemas(sessions: Pool): Promise<string[]> {
  const { rows } = await sessions.query<{ nspname: string }>(
    'select nspname from pg_namespace where nspname = any ($1)',
    [exposedSchemas],
  )
  const present = new Set(rows.map((row) => row.nspname))
  return exposedSchemas.filter((schema) => schema === 'public' || present.has(schema))
}

function endOf(time: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (time.aborted) resolve()
    else time.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Ready when it answers without 503, which it does once its schema cache is loaded. Whoever asks before makes PostgREST
 * connect and load everything a second time while it is in use already, so ask only after it says that it has loaded.
 */
function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request(
      { socketPath, path: readinessPath, method: 'HEAD', headers: { connection: 'close' } },
      (response) => {
        response.resume()
        resolve(response.statusCode !== 503)
      },
    )
    probe.once('error', () => resolve(false))
    probe.end()
  })
}

function startFailure(reason: string, output: readonly string[]): string {
  const words = output.slice(-6).join('\n  ')
  return `The Data API did not start: ${reason}.${words === '' ? '' : ` PostgREST says:\n  ${words}`}`
}
