import { availableParallelism } from 'node:os'
import type { Connection, Database } from '../../database/engine.ts'
import type { Dump } from '../dump.ts'

/** Cores that the sessions of a restore keep busy; helpers of an index build would only be in their way. */
const usualSessions = 2

/**
 * A session as an archive's statements expect it: the settings that pg_dump wrote them under, nothing that ends a long
 * statement, and memory for sorting, since nobody else works on the server now.
 */
async function openSession(database: Database, dump: Dump): Promise<Connection> {
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
    "SET maintenance_work_mem = '256MB';",
    `SET max_parallel_maintenance_workers = ${Math.max(0, Math.min(2, availableParallelism() - usualSessions))};`,
    ...own,
  ].join('\n')
}

/** The sessions of a restore; all end with it. */
export class Sessions implements AsyncDisposable {
  readonly all: Connection[] = []
  readonly #dump: Dump
  readonly #database: Database

  constructor(dump: Dump, database: Database) {
    this.#dump = dump
    this.#database = database
  }

  async open(): Promise<Connection> {
    const connection = await openSession(this.#database, this.#dump)
    this.all.push(connection)
    return connection
  }

  openMore(count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: Math.max(0, count) }, () => this.open()))
  }

  /** Ends them at once, whatever they are at: their statements fail. */
  cut(): void {
    for (const connection of this.all) connection.end().catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((connection) => connection.end().catch(() => {})))
  }
}
