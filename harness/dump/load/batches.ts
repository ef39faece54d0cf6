import type { Connection } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { PlannedEntry } from '../plan.ts'
import { isUndefinedObject, throwIfFatal } from './outcome.ts'

const batchEntries = 100
const batchCharacters = 256 * 1024

/**
 * Runs entries in order on one connection, many in one message (one transaction) to save round trips. When a batch
 * fails it is undone, and its entries are run one by one: `settle` gets the error of each that fails, nothing for the others.
 */
export async function runInBatches(
  entries: readonly PlannedEntry[],
  connection: Connection,
  settle: (planned: PlannedEntry, error?: Error) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const batch of batches(entries)) {
    throwIfAborted(signal, 'restoring the dump')
    const [only] = batch.length === 1 ? batch : []
    if (only) {
      await runAlone(only, connection, settle)
      continue
    }
    try {
      await connection.query(batch.map((planned) => planned.sql).join('\n'))
      for (const planned of batch) settle(planned)
    } catch (error) {
      throwIfFatal(error)
      for (const planned of batch) await runAlone(planned, connection, settle)
    }
  }
}

/** One entry, in a transaction of its own. */
async function runAlone(
  planned: PlannedEntry,
  connection: Connection,
  settle: (planned: PlannedEntry, error?: Error) => void,
): Promise<void> {
  try {
    await runStatement(planned, connection)
    settle(planned)
  } catch (error) {
    throwIfFatal(error)
    settle(planned, error)
  }
}

/**
 * pg_dump writes every name with its schema, but functions that it calls (in generated columns, checks, indexes) may
 * have been written for the database's own search_path: what is not found is tried again with one.
 */
async function runStatement({ entry, sql }: PlannedEntry, connection: Connection): Promise<void> {
  try {
    await connection.query(sql)
  } catch (error) {
    if (!isUndefinedObject(error) || entry.type === 'ACL' || entry.type === 'DEFAULT ACL') throw error
    try {
      await connection.query(`SET LOCAL search_path = public, extensions;\n${sql}`)
    } catch {
      throw error
    }
  }
}

function* batches(entries: readonly PlannedEntry[]): Generator<PlannedEntry[]> {
  let batch: PlannedEntry[] = []
  let characters = 0
  for (const planned of entries) {
    if (batch.length === batchEntries || characters > batchCharacters) {
      yield batch
      batch = []
      characters = 0
    }
    batch.push(planned)
    characters += planned.sql.length
  }
  if (batch.length > 0) yield batch
}
