import type { Connection, Database } from '../database/engine.ts'
import type { AppliedMigration, MigrationFile } from '../model/migration-run.ts'
import { applyMigrations } from './apply.ts'
import { type DatabaseState, differencesOf, takeState, writtenSoFar } from './database-state.ts'
import { fitsOneTransaction, type InPlace, resumeInPlace } from './resume-in-place.ts'
import { runFile } from './run-file.ts'
import { type MigrationSession, openSession } from './session.ts'
import { plainSql, transactionControl } from './statement-kind.ts'
import { isIdle, planTransactions, type TransactionPlan, type Unit } from './transactions.ts'

/** What became of one file when its connection was cut after its statements. */
export type FileSweep = {
  readonly name: string
  /** Statements after which a cut was tried, or proven to be the same as one that was. */
  readonly cuts: number
  /** Different databases that a cut can leave behind, each looked at. */
  readonly states: number
  /**
   * `as before`: nothing was left. `resumable`: running the file again led to the same database each time.
   * `stuck`: it did not, after the cut at `at`. `not looked`: the file does not run on another clone as it did first.
   */
  readonly outcome: 'as before' | 'resumable' | 'stuck' | 'not looked'
  readonly at?: { readonly line: number; readonly column: number }
  /** What running it again did instead. */
  readonly differences?: readonly string[]
}

const limits = { statementTimeout: 15 * 60_000 }

/**
 * Cuts a file that runs in one transaction, after its last statement and before its COMMIT: every cut before leaves the
 * same, since all that the file has done by then is undone. That nothing of it is left is told by Postgres' own record
 * of transactions: each that began meanwhile was aborted. Where another one was committed (statements that are run with
 * the platform's rights), definitions and tables are compared. Sequences do not go back, and are not looked at.
 * The database is as before then, and can be used on. Nobody else may write to the cluster meanwhile.
 */
export async function cutTransaction(
  database: Database,
  file: MigrationFile,
  applied: Pick<AppliedMigration, 'elevated' | 'rows'> | undefined,
  signal: AbortSignal | undefined,
): Promise<FileSweep> {
  const compares = (applied?.elevated?.length ?? 0) > 0
  const tables = (applied?.rows ?? []).map(({ table }) => table)
  const was = compares ? await takeState(database, tables) : undefined
  await using admin = await database.connect({ applicationName: 'greenlight cut' })
  const first = await nextTransaction(admin)
  const statements = file.statements.filter(({ sql }) => transactionControl(sql) === undefined)
  let cut = false
  await using session = await openSession(database, { ...limits, signal })
  const { failure } = await runFile(
    session,
    { ...file, statements },
    {
      async record() {
        await terminate(admin, session)
        cut = true
        throw new Error('cut')
      },
    },
  )
  const name = file.name
  if (!cut) {
    const why = failure ? `it fails at line ${failure.line}: ${failure.message}` : 'it ended its transaction by itself'
    return { name, cuts: 0, states: 0, outcome: 'not looked', differences: [`On another clone ${why}`] }
  }
  const facts = { name, cuts: statements.length, states: 1 }
  if (await allAborted(admin, first)) return { ...facts, outcome: 'as before' }
  const base = was ?? (await takeState(database, tables))
  const left =
    was === undefined
      ? ['another transaction was committed meanwhile']
      : differencesOf(base, await takeState(database, tables, base))
  const last = statements.at(-1)
  return left.length === 0
    ? { ...facts, outcome: 'as before' }
    : {
        ...facts,
        outcome: 'stuck',
        differences: left,
        ...(last ? { at: { line: last.line, column: last.column } } : {}),
      }
}

async function terminate(admin: Connection, { pid }: MigrationSession): Promise<void> {
  // Waits, in milliseconds, until it is gone: its transaction is aborted by then.
  await admin.query('SELECT pg_terminate_backend($1, 10000)', [pid])
}

/** The number that the next transaction of the cluster gets. */
async function nextTransaction(admin: Connection): Promise<string> {
  const { rows } = await admin.query<{ xid: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xid')
  return rows[0]?.xid ?? '0'
}

async function allAborted(admin: Connection, first: string): Promise<boolean> {
  const { rows } = await admin.query<{ aborted: boolean | null }>(
    `SELECT bool_and(pg_xact_status(n::text::xid8) = 'aborted') AS aborted
     FROM generate_series($1::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1) AS n`,
    [first],
  )
  // No number given out: the file wrote nothing.
  return rows[0]?.aborted ?? true
}

export type SweepOptions = {
  readonly signal?: AbortSignal | undefined
  readonly record: boolean
  readonly clone: (of: Database) => Promise<Database>
  /** False: a clone for each cut. Default: true. */
  readonly inPlace?: boolean
}

/** The file can leave parts of itself behind: it is for `sweepParts`, not for `cutTransaction`. */
export function leavesParts(file: MigrationFile): boolean {
  return planTransactions(file).leavesParts
}

/**
 * Cuts a file that commits several times. `base` has everything before the file applied, and is left alone. After each
 * part that is committed the file is run again from its beginning, as a person would: the end must be what an
 * uninterrupted run leaves. What differs between two uninterrupted runs (the time of day, random keys) is no difference.
 * It is run again in a transaction that is taken back where it can be; where it cannot, fails there or leads elsewhere,
 * a clone has the last word.
 */
export async function sweepParts(base: Database, file: MigrationFile, options: SweepOptions): Promise<FileSweep> {
  const { signal, record, clone } = options
  await using whole = await clone(base)
  const written = await writtenSoFar(whole)
  const run = await applyMigrations(whole, [file], { signal, record })
  const name = file.name
  const failure = run.migrations[0]?.failure
  if (failure)
    return {
      name,
      cuts: 0,
      states: 0,
      outcome: 'not looked',
      differences: [`On another clone it fails at line ${failure.line}: ${failure.message}`],
    }
  const tables = [...(await writtenSoFar(whole))]
    .filter(([table, now]) => now !== (written.get(table) ?? 0) && !isHistory(table))
    .map(([table]) => table)
  const end = await takeState(whole, tables)
  await using parts = await clone(base)
  const plan = planTransactions(file)
  const resumed: { readonly unit: Unit; readonly state: DatabaseState; readonly inPlace: boolean }[] = []
  const working = plan.units.filter(({ statements }) => statements.some(({ sql }) => !isIdle(sql)))
  const cuts = working.slice(0, -1).reduce((sum, { statements }) => sum + statements.length, 0)
  const stuck = (unit: Unit, states: number, differences: readonly string[]): FileSweep => {
    const last = unit.statements.at(-1)
    return {
      name,
      cuts,
      states,
      outcome: 'stuck',
      differences,
      ...(last ? { at: { line: last.line, column: last.column } } : {}),
    }
  }
  const place = inPlace(parts, file, { ...options, tables, like: end })
  for (const unit of working) {
    await runParts(parts, file, plan, unit, signal)
    if (unit === working.at(-1)) break
    const here = await place.resume()
    const again = here ?? (await resumeOnClone(parts, file, tables, end, options))
    if (typeof again === 'string') return stuck(unit, resumed.length + 1, [again])
    resumed.push({ unit, state: again, inPlace: here !== undefined })
  }
  // The history row comes with the file's end, which this one never reached.
  const noise = differencesOf(end, await takeState(parts, tables, end)).filter((difference) => !isHistory(difference))
  for (const { unit, state, inPlace: taken } of resumed) {
    const told = differencesOf(end, state, noise)
    const differences = told.length > 0 && taken ? await onceMore(unit) : told
    if (differences.length > 0) return stuck(unit, resumed.length, differences)
  }
  return { name, cuts, states: resumed.length, outcome: 'resumable' }

  /** The cut after `unit` on clones, as it would be: with a transaction of its own for each part. */
  async function onceMore(unit: Unit): Promise<readonly string[]> {
    await using cut = await clone(base)
    for (const one of working.slice(0, working.indexOf(unit) + 1)) await runParts(cut, file, plan, one, signal)
    const again = await resumeOnClone(cut, file, tables, end, options)
    return typeof again === 'string' ? [again] : differencesOf(end, again, noise)
  }
}

/** Runs the file again on a clone of what the cut left; tells where it leads, or how it fails. */
async function resumeOnClone(
  cut: Database,
  file: MigrationFile,
  tables: readonly string[],
  end: DatabaseState,
  { signal, record, clone }: SweepOptions,
): Promise<DatabaseState | string> {
  await using again = await clone(cut)
  const { migrations } = await applyMigrations(again, [file], { signal, record })
  const wrong = migrations[0]?.failure
  return wrong ? `Run again, it fails at line ${wrong.line}: ${wrong.message}` : await takeState(again, tables, end)
}

/** Tries each cut in place, until it turns out that the file does not run like that. */
function inPlace(parts: Database, file: MigrationFile, options: SweepOptions & Pick<InPlace, 'tables' | 'like'>) {
  let fits = options.inPlace !== false && fitsOneTransaction(file)
  let dead = 0
  return {
    async resume(): Promise<DatabaseState | undefined> {
      if (!fits) return undefined
      const resumed = await resumeInPlace(parts, file, { ...limits, ...options })
      fits = resumed !== undefined
      dead += resumed?.rowsWritten ?? 0
      if (dead > mostDeadRows) {
        // Rows that were taken back stay in the files, where every later look passes them.
        await using admin = await parts.connect({ applicationName: 'greenlight sweep' })
        await admin.query('VACUUM')
        dead = 0
      }
      return resumed?.state
    },
  }
}

const mostDeadRows = 100_000

function isHistory(text: string): boolean {
  return text.includes('supabase_migrations.')
}

/** Runs one part, in a session of its own with the settings that the statements before it have made. */
async function runParts(
  database: Database,
  file: MigrationFile,
  { units }: TransactionPlan,
  unit: Unit,
  signal: AbortSignal | undefined,
): Promise<void> {
  const settings = units
    .slice(0, units.indexOf(unit))
    .flatMap(({ statements }) => statements)
    .filter(({ sql }) => /^(set (?!local\b|transaction\b)|reset\b)/.test(plainSql(sql)))
  await using session = await openSession(database, { ...limits, signal })
  // Alone, a statement outside of the file's own transactions would be taken for one to put into a transaction.
  const own = unit.statements.map((one) => (unit.transaction === 'none' ? { ...one, standalone: true } : one))
  const part = { ...file, statements: [...settings, ...own] }
  const { failure } = await runFile(session, part, { record: async () => {} })
  if (failure) throw new Error(`${file.name} does not run part by part: line ${failure.line}: ${failure.message}`)
}
