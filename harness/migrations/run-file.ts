import { HarnessError } from '../errors.ts'
import type { Elevation, MigrationFailure, MigrationFile, Statement, TableRows } from '../model/migration-run.ts'
import { runWithPlatformRights } from './elevation.ts'
import { failureIn, failureOf } from './failure.ts'
import { linesOf, placeAt } from './place.ts'
import { addRows, forgetRowCounts, takeRowCounts } from './row-counts.ts'
import type { MigrationSession } from './session.ts'
import type { Tracer } from './trace.ts'
import { planTransactions, type Unit } from './transactions.ts'

export type FileRun = {
  readonly atomic: boolean
  readonly milliseconds: number
  readonly elevated: readonly Elevation[]
  readonly rows: readonly TableRows[]
  readonly failure?: MigrationFailure
}

export type RunFileOptions = {
  /** Writes or removes the file's row in the history: with the last transaction of ours, else after the file. */
  readonly record: (session: MigrationSession) => Promise<void>
  readonly onStatement?: ((done: number) => void) | undefined
  readonly tracer?: Tracer | undefined
}

/**
 * Runs one file as its transactions allow. An SQL error ends it, is rolled back and returned; nothing is thrown but
 * `aborted` and what is a bug.
 */
export async function runFile(
  session: MigrationSession,
  file: MigrationFile,
  options: RunFileOptions,
): Promise<FileRun> {
  const started = performance.now()
  const { units, atomic, problem } = planTransactions(file)
  const progress: Progress = { statement: undefined, done: 0, elevated: [], rows: [] }
  const facts = (failure?: MigrationFailure): FileRun => ({
    atomic,
    milliseconds: Math.round(performance.now() - started),
    elevated: progress.elevated,
    rows: progress.rows,
    ...(failure ? { failure } : {}),
  })
  if (problem) return facts(failureIn(file, problem.statement, problem))
  try {
    await session.run('RESET ALL')
    const lastIsOurs = units.at(-1)?.transaction === 'ours'
    for (const unit of units) {
      const record = lastIsOurs && unit === units.at(-1) ? options.record : undefined
      await runUnit(session, file, unit, progress, { ...options, record })
    }
    if (session.state() !== 'idle') return facts(await leftOpen(session, file))
    if (!lastIsOurs) await recordAlone(session, options)
    return facts()
  } catch (error) {
    await rollBack(session)
    options.tracer?.transactionEnded()
    if (error instanceof HarnessError) throw error
    if (error instanceof NotRecorded) return facts(failureIn(file, file.statements.at(-1), error.facts))
    return facts(await failureOf(error, file, progress.statement, session.database))
  }
}

type Progress = {
  /** The one that runs, or ran last. */
  statement: Statement | undefined
  done: number
  elevated: Elevation[]
  rows: readonly TableRows[]
}

type UnitOptions = Omit<RunFileOptions, 'record'> & { readonly record: RunFileOptions['record'] | undefined }

async function runUnit(
  session: MigrationSession,
  file: MigrationFile,
  unit: Unit,
  progress: Progress,
  { record, onStatement, tracer }: UnitOptions,
): Promise<void> {
  const ours = unit.transaction === 'ours'
  if (ours || tracer) await forgetRowCounts(session.connection)
  await tracer?.beforeUnit()
  // Nothing is asked between BEGIN and the first statement, which may be SET TRANSACTION.
  if (ours) await session.run('BEGIN')
  for (const statement of unit.statements) {
    progress.statement = statement
    const place = placeOf(file, statement)
    const run = async () => {
      const right = await runWithPlatformRights(session, statement.sql)
      if (right) progress.elevated.push({ ...place, right })
    }
    await (tracer ? tracer.statement({ sql: statement.sql, ...place }, run) : run())
    onStatement?.(++progress.done)
  }
  if (!ours) return
  progress.rows = addRows(progress.rows, await takeRowCounts(session.connection))
  if (record) await recorded(session, record)
  await session.run('COMMIT')
  tracer?.transactionEnded()
}

function placeOf(file: MigrationFile, statement: Statement): { readonly line: number; readonly column: number } {
  const lines = linesOf(file.sql)
  const lead = /^(?:\s|--[^\n]*(?:\n|$))*/.exec(statement.sql)?.[0].length ?? 0
  return placeAt(lines, statement.offset + lead)
}

async function recordAlone(session: MigrationSession, { record }: RunFileOptions): Promise<void> {
  await session.run('BEGIN')
  await recorded(session, record)
  await session.run('COMMIT')
}

class NotRecorded extends Error {
  override readonly name = 'NotRecorded'
  readonly facts: Pick<MigrationFailure, 'sqlstate' | 'message'>

  constructor(cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause)
    super(text, { cause })
    const sqlstate = cause instanceof Error && 'code' in cause ? String(cause.code) : 'XX000'
    const message = `The migration ran, but its history could not be written: ${text}. Does it leave the session with another role, or without a right?`
    this.facts = { sqlstate, message }
  }
}

async function recorded(session: MigrationSession, record: RunFileOptions['record']): Promise<void> {
  try {
    await record(session)
  } catch (error) {
    throw new NotRecorded(error)
  }
}

async function leftOpen(session: MigrationSession, file: MigrationFile): Promise<MigrationFailure> {
  await rollBack(session)
  return failureIn(file, file.statements.at(-1), {
    sqlstate: '25001',
    message: 'The file ends while a transaction is open: what it did last is lost, and was rolled back.',
    hint: 'End the file with COMMIT.',
  })
}

async function rollBack(session: MigrationSession): Promise<void> {
  await session.connection.query('ROLLBACK').catch(() => {
    // The connection is gone, and with it the transaction.
  })
}
