import type { Database } from '../database/engine.ts'
import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile, RollbackRun } from '../model/migration-run.ts'
import { nearest } from '../model/nearest.ts'
import type { ApplyOptions } from './apply.ts'
import { readSqlFolder } from './discover.ts'
import { forgetMigration } from './history.ts'
import { evidenceOfFailure } from './outcome.ts'
import { runFile } from './run-file.ts'
import { openSession } from './session.ts'

export type RollbackFolder = {
  /** Absent where the ways down stand in the migrations themselves. */
  readonly directory?: string
  /** Each script has the name of the migration that it takes back. */
  readonly scripts: readonly MigrationFile[]
  /** Scripts that no migration in the folder is named as. */
  readonly unmatched: readonly MigrationFile[]
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

/**
 * Reads the rollback scripts for migrations: those of the folder, and for the others the way down in the migration's own
 * file. Undefined where there is neither. Throws as `readMigrations`, but a folder without scripts is fine.
 */
export async function readRollback(
  directory: string,
  migrations: readonly MigrationFile[],
  options?: { readonly signal?: AbortSignal | undefined },
): Promise<RollbackFolder>
export async function readRollback(
  directory: string | undefined,
  migrations: readonly MigrationFile[],
  options?: { readonly signal?: AbortSignal | undefined },
): Promise<RollbackFolder | undefined>
export async function readRollback(
  directory: string | undefined,
  migrations: readonly MigrationFile[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<RollbackFolder | undefined> {
  const own = migrations.flatMap(({ down }) => (down ? [down] : []))
  if (directory === undefined) return own.length === 0 ? undefined : { scripts: own, unmatched: [], skipped: [] }
  const { files, skipped } = await readSqlFolder(directory, { signal })
  const names = new Set(migrations.map(({ name }) => name))
  const scripts = files.filter(({ name }) => names.has(name))
  const named = new Set(scripts.map(({ name }) => name))
  return {
    directory,
    scripts: [...scripts, ...own.filter(({ name }) => !named.has(name))],
    unmatched: files.filter((file) => !names.has(file.name)),
    skipped,
  }
}

/**
 * Takes `applied` (in the order in which they were applied) back, the last first, each script as a migration runs: as
 * role postgres, in one transaction where it can. Each script's migration leaves the history with it. A migration
 * without a script is `missing` and passed over; the first failure ends the run. Use a clone of after.
 */
export async function applyRollback(
  database: Database,
  { scripts }: Pick<RollbackFolder, 'scripts'>,
  applied: readonly MigrationFile[],
  { signal, onProgress, statementTimeout = 15 * 60_000 }: Omit<ApplyOptions, 'record'> = {},
): Promise<RollbackRun> {
  const started = performance.now()
  const steps = applied
    .toReversed()
    .map((migration) => ({ migration, script: scripts.find(({ name }) => name === migration.name) }))
  const runs: RollbackRun['scripts'][number][] = steps.map(({ migration, script }) => ({
    name: migration.name,
    migration: migration.name,
    status: script ? 'not run' : 'missing',
  }))
  await using session = await openSession(database, { signal, statementTimeout })
  for (const [index, { migration, script }] of steps.entries()) {
    if (!script) continue
    const { failure, milliseconds } = await runFile(session, script, {
      record: ({ connection }) => forgetMigration(connection, migration),
      onStatement: (statement) =>
        onProgress?.({
          name: script.name,
          file: index + 1,
          files: steps.length,
          statement,
          statements: script.statements.length,
        }),
    })
    const facts = { name: script.name, migration: migration.name, milliseconds }
    runs[index] = failure ? { ...facts, status: 'failed', failure } : { ...facts, status: 'applied' }
    if (failure) break
  }
  return { scripts: runs, milliseconds: Math.round(performance.now() - started) }
}

/** Scripts that failed or are missing, and scripts that belong to no migration. */
export function findingsOfRollback(run: RollbackRun, folder: RollbackFolder): readonly Finding[] {
  const names = run.scripts.map(({ migration }) => migration)
  return [
    ...run.scripts.flatMap((script) => failedScript(script, folder)),
    ...run.scripts
      .filter(({ status }) => status === 'missing')
      .map(({ migration }): Finding => {
        const near = nearest(
          migration,
          folder.unmatched.map(({ name }) => name),
        )
        return {
          kind: 'rollback.missing',
          object: migration,
          title: `${migration} has no rollback script`,
          evidence:
            folder.directory === undefined
              ? ['Its file has no way down, and no rollback folder is named.']
              : [`${folder.directory} holds no ${migration}.`, ...(near ? [`It holds ${near}.`] : [])],
          migration,
          fix: near
            ? `Rename ${near} to ${migration}.`
            : folder.directory === undefined
              ? 'Write its way down below it.'
              : `Write ${migration} in the rollback folder.`,
        }
      }),
    ...folder.unmatched.map((script): Finding => {
      const near = nearest(script.name, names)
      return {
        kind: 'rollback.missing',
        object: script.name,
        title: `The rollback script ${script.name} belongs to no migration, and was not run`,
        evidence: ['A script has the name of the migration that it takes back.'],
        where: { file: script.path, line: 1 },
        ...(near ? { fix: `Did you mean ${near}?` } : {}),
      }
    }),
  ]
}

/** The check `rollback.applied`: every script ran on a clone of after. Whether all came back is another check. */
export function checksOfRollback(run: RollbackRun): readonly Check[] {
  const count = (status: string) => run.scripts.filter((script) => script.status === status).length
  const check = { id: 'rollback.applied', metric: 'data', title: 'The rollback scripts run', required: false } as const
  const numbers = {
    applied: count('applied'),
    failed: count('failed'),
    missing: count('missing'),
    notRun: count('not run'),
  }
  if (numbers.applied + numbers.failed === 0)
    return [{ ...check, status: 'not run', reason: 'No script was run.', numbers }]
  const summary = `${numbers.applied} of ${run.scripts.length} migrations taken back${numbers.missing > 0 ? `, ${numbers.missing} have no script` : ''}.`
  return [{ ...check, status: numbers.failed > 0 ? 'failed' : 'passed', summary, numbers }]
}

function failedScript(script: RollbackRun['scripts'][number], { scripts }: RollbackFolder): readonly Finding[] {
  const { failure, name, migration } = script
  if (!failure) return []
  const file = scripts.find((candidate) => candidate.name === name)
  return [
    {
      kind: 'rollback.failed',
      object: name,
      title: `The rollback of ${migration} fails at line ${failure.line}: ${failure.message}`,
      evidence: evidenceOfFailure(failure),
      migration,
      ...(file ? { where: { file: file.path, line: failure.line, column: failure.column } } : {}),
      ...(failure.hint === undefined ? {} : { fix: failure.hint }),
    },
  ]
}
