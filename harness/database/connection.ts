import pg, { type ClientConfig, type Pool } from 'pg'
import { HarnessError, messageOf } from '../errors.ts'
import type { BorrowedConnection, Connection } from './engine.ts'

/** Opens a session. Throws `database.failed` with Postgres' words, without any password. */
export async function connect(config: ClientConfig): Promise<Connection> {
  const client = new pg.Client(config)
  // Without a listener a session that the server ends would take the process down; the next query tells it anyway.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw notConnected(config, cause)
  }
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** A session of the pool; disposal gives it back. Throws `database.failed` as `connect` does. */
export async function borrow(pool: Pool): Promise<BorrowedConnection> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw notConnected(pool.options, cause)
  })
  return { query: client.query.bind(client), [Symbol.asyncDispose]: async () => client.release() }
}

function notConnected({ database, user, host, port }: ClientConfig, cause: unknown): HarnessError {
  return new HarnessError(
    'database.failed',
    `No connection to database "${database}" as ${user} on ${host}:${port}: ${messageOf(cause)}.`,
    { cause },
  )
}
