import pg, { type ClientConfig } from 'pg'
import { HarnessError } from '../errors.ts'
import type { Connection } from './engine.ts'

/** Opens a session. Throws `database.failed` with Postgres' words, without any password. */
export async function connect(config: ClientConfig): Promise<Connection> {
  const client = new pg.Client(config)
  // Without a listener a session that the server ends would take the process down; the next query tells it anyway.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw new HarnessError(
      'database.failed',
      `No connection to database "${config.database}" as ${config.user} on ${config.host}:${config.port}: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    )
  }
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}
