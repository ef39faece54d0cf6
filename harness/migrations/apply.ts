import type { Database } from '../database/engine.ts'
import type { AppliedMigration, MigrationFile, MigrationRun } from '../model/migration-run.ts'
import { recordApplied } from './history.ts'
import { withKeptPasswords } from './kept-passwords.ts'
import { runFile } from './run-file.ts'
import { openSession } from './session.ts'
import { type LockInterval, openTracer } from './trace.ts'
import { planTransactions } from './transactions.ts'

export type ApplyOptions = {
  readonly signal?: AbortSignal | undefined
  /** Called after each statement. */
  readonly onProgress?: ((progress: ApplyProgress) => void) | undefined
  /** Longest time of one statement, in milliseconds. Default: 15 minutes. */
  readonly statementTimeout?: number
  /** Record each file in `supabase_migrations.schema_migrations`. Default: true. */
  readonly record?: boolean
  /** Notes of each statement what it took and did, from a second session. Default: false. */
  readonly trace?: boolean
  /** Awaited before each file. */
  readonly beforeFile?: ((file: MigrationFile) => Promise<void>) | undefined
  /** Of a traced run: every lock of a file, once the file has ended. */
  readonly onLocks?: ((locks: readonly LockInterval[], file: MigrationFile) => void) | undefined
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
export function applyMigrations(
  database: Database,
  pending: readonly MigrationFile[],
  options: ApplyOptions = {},
): Promise<MigrationRun> {
  return withKeptPasswords(database, pending, () => applyAll(database, pending, options))
}

async function applyAll(
  database: Database,
  pending: readonly MigrationFile[],
  options: ApplyOptions,
): Promise<MigrationRun> {
  const {
    signal,
    onProgress,
    beforeFile,
    onLocks,
    statementTimeout = fifteenMinutes,
    record = true,
    trace = false,
  } = options
  const started = performance.now()
  const migrations = pending.map(notRun)
  await using session = await openSession(database, { signal, statementTimeout })
  await using tracer = trace ? await openTracer(session) : undefined
  for (const [index, file] of pending.entries()) {
    await beforeFile?.(file)
    const { failure, elevated, rows, ...facts } = await runFile(session, file, {
      tracer,
      record: ({ connection }) => recordApplied(connection, file, record),
      onStatement: (statement) =>
        onProgress?.({
          name: file.name,
          file: index + 1,
          files: pending.length,
          statement,
          statements: file.statements.length,
        }),
    })
    const traced = tracer?.take()
    if (traced) onLocks?.(traced.locks, file)
    migrations[index] = {
      ...notRun(file),
      ...facts,
      status: failure ? 'failed' : 'applied',
      ...(elevated.length > 0 ? { elevated } : {}),
      // What a failed file wrote is gone.
      ...(rows.length > 0 && !failure ? { rows } : {}),
      ...(failure ? { failure } : {}),
      ...(traced ? { trace: traced.statements } : {}),
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
