import type { Connection, Database } from '../../database/engine.ts'
import type { Dump } from '../dump.ts'

/**
 * A session as an archive's statements expect it: the settings that pg_dump wrote them under, nothing that ends a long
 * statement, and memory for sorting, since nobody else works on the server now.
 */
export async function openSession(database: Database, dump: Dump): Promise<Connection> {
  const connection = await database.connect({ applicationName: 'greenlight restore' })
  try {
    await connection.query(sessionSettings(dump))
  } catch (error) {
    await connection.end()
    throw error
  }
  return connection
}

function sessionSettings(dump: Dump): string {
  const own = dump.entries
    .filter((entry) => entry.type === 'STDSTRINGS' || entry.type === 'SEARCHPATH')
    .map((entry) => entry.definition)
  return [
    "SET client_encoding = 'UTF8';",
    'SET statement_timeout = 0;',
    'SET lock_timeout = 0;',
    'SET idle_in_transaction_session_timeout = 0;',
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout';",
    'SET check_function_bodies = false;',
    'SET xmloption = content;',
    'SET client_min_messages = warning;',
    'SET row_security = off;',
    'SET synchronous_commit = off;',
    "SET maintenance_work_mem = '128MB';",
    ...own,
  ].join('\n')
}
