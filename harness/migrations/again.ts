import type { Database } from '../database/engine.ts'
import type { MigrationFailure, MigrationFile, TableRows } from '../model/migration-run.ts'
import { applyMigrations } from './apply.ts'
import { differencesOf, takeState } from './database-state.ts'

/** What a second application of one file did. */
export type FileAgain = {
  readonly name: string
  readonly failure?: MigrationFailure
  /** Written the second time, whether or not anything changed. */
  readonly rows: readonly TableRows[]
}

export type AgainRun = {
  readonly files: readonly FileAgain[]
  /** What the second application changed, all files together, in words without values. */
  readonly changes: readonly string[]
}

/**
 * Applies every file a second time to a database that has them all, each by itself, so that one that fails keeps no
 * other from being tried. `tables`: those whose values are compared. The database is used up by it.
 */
export async function applyAgain(
  database: Database,
  files: readonly MigrationFile[],
  tables: readonly string[],
  signal: AbortSignal | undefined,
): Promise<AgainRun> {
  const was = await takeState(database, tables)
  const again: FileAgain[] = []
  for (const file of files) {
    const [migration] = (await applyMigrations(database, [file], { signal, record: false })).migrations
    const { failure, rows = [] } = migration ?? {}
    again.push({ name: file.name, rows, ...(failure ? { failure } : {}) })
  }
  return { files: again, changes: differencesOf(was, await takeState(database, tables, was)) }
}
