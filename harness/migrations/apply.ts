import type { Database } from '../database/engine.ts'
import type { AppliedMigration, MigrationFile, MigrationRun } from '../model/migration-run.ts'
import { makeHistory, recordMigration } from './history.ts'
import { runFile } from './run-file.ts'
import { openSession } from './session.ts'
import { planTransactions } from './transactions.ts'

export type ApplyOptions = {
  readonly signal?: AbortSignal | undefined
  /** Called after each statement. */
  readonly onProgress?: ((progress: ApplyProgress) => void) | undefined
  /** Longest time of one statement, in milliseconds. Default: 15 minutes. */
  readonly statementTimeout?: number
  /** Record each file in `supabase_migrations.schema_migrations`. Default: true. */
  readonly record?: boolean
}

type ApplyProgress = {
  readonly name: string
  /** Number of the file, from 1, and of all files. */
  readonly file: number
  readonly files: number
  readonly statement: number
  readonly statements: number
}

const fifteenMinutes = 15 * 60_000

/**
 * Applies migrations in the order given, in one session of role postgres, each in one transaction where its statements
 * allow it. The first failure ends the run: it is rolled back, and the files after it stay `not run`.
 * Throws `database.failed` when there is no connection, and `aborted`.
 */
export async function applyMigrations(
  database: Database,
  pending: readonly MigrationFile[],
  { signal, onProgress, statementTimeout = fifteenMinutes, record = true }: ApplyOptions = {},
): Promise<MigrationRun> {
  const started = performance.now()
  const migrations = pending.map(notRun)
  await using session = await openSession(database, { signal, statementTimeout })
  for (const [index, file] of pending.entries()) {
    const { failure, elevated, rows, ...facts } = await runFile(session, file, {
      async record({ connection }) {
        if (!record || file.version === '') return
        await makeHistory(connection)
        await recordMigration(connection, file)
      },
      onStatement: (statement) =>
        onProgress?.({
          name: file.name,
          file: index + 1,
          files: pending.length,
          statement,
          statements: file.statements.length,
        }),
    })
    migrations[index] = {
      ...notRun(file),
      ...facts,
      status: failure ? 'failed' : 'applied',
      ...(elevated.length > 0 ? { elevated } : {}),
      // What a failed file wrote is gone.
      ...(rows.length > 0 && !failure ? { rows } : {}),
      ...(failure ? { failure } : {}),
    }
    if (failure) break
  }
  return { migrations, milliseconds: Math.round(performance.now() - started) }
}

function notRun(file: MigrationFile): AppliedMigration {
  const { name, version, sha256, statements } = file
  return {
    name,
    version,
    sha256,
    status: 'not run',
    statements: statements.length,
    atomic: planTransactions(file).atomic,
  }
}
