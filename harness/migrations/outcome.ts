import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { AppliedMigration, MigrationFailure, MigrationFile, MigrationRun } from '../model/migration-run.ts'
import { findingsOfGuards } from './guards.ts'
import { planTransactions } from './transactions.ts'

/** What a reader should know of the run: the failure, if any, and the files that cannot be taken back as a whole. */
export function findingsOfMigrations(run: MigrationRun, files: readonly MigrationFile[]): readonly Finding[] {
  const told = run.migrations.flatMap((migration) => {
    const file = files.find(({ name }) => name === migration.name)
    if (!file) return []
    return [...failed(migration, file, run), ...notAtomic(migration, file)]
  })
  return [...told, ...findingsOfGuards(files)]
}

/** The check `migrations.applied`: every pending migration, on the copy of production. */
export function checksOfMigrations(run: MigrationRun): readonly Check[] {
  const count = (status: AppliedMigration['status']) =>
    run.migrations.filter((migration) => migration.status === status).length
  const elevated = run.migrations.flatMap(({ elevated = [] }) => elevated).length
  const applied = count('applied')
  const stopped = run.migrations.find(({ status }) => status === 'failed')
  const summary = stopped
    ? `${stopped.name} fails; ${applied} of ${run.migrations.length} migrations applied.`
    : `${applied} migrations applied as role postgres.${elevated > 0 ? ` ${elevated} statements needed rights that the platform gives and a plain server does not.` : ''}`
  const check = {
    id: 'migrations.applied',
    metric: 'features',
    title: 'Every pending migration applies',
    required: true,
  } as const
  if (run.migrations.length === 0) return [{ ...check, status: 'not run', reason: 'No migration was pending.' }]
  return [
    {
      ...check,
      status: applied === run.migrations.length ? 'passed' : stopped ? 'failed' : 'not run',
      summary,
      ...(applied < run.migrations.length && !stopped ? { reason: 'The run was stopped.' } : {}),
      numbers: { applied, failed: count('failed'), notRun: count('not run'), elevatedStatements: elevated },
    },
  ]
}

function failed({ name, failure }: AppliedMigration, file: MigrationFile, run: MigrationRun): readonly Finding[] {
  if (!failure) return []
  const left = run.migrations.filter(({ status }) => status === 'not run').length
  const parts = planTransactions(file).leavesParts
  return [
    {
      kind: 'migration.failed',
      object: name,
      title: `${name} fails at line ${failure.line}: ${failure.message}`,
      evidence: [
        ...evidenceOfFailure(failure),
        parts ? 'What it committed before that stays.' : 'Its transaction was rolled back.',
        ...(left > 0 ? [`${left} migrations after it were not run.`] : []),
      ],
      migration: name,
      where: { file: file.path, line: failure.line, column: failure.column },
      ...(failure.hint === undefined ? {} : { fix: failure.hint }),
    },
  ]
}

/** SQLSTATE, hint and the place in the file. */
export function evidenceOfFailure({ sqlstate, hint, excerpt }: MigrationFailure): readonly string[] {
  return [`SQLSTATE ${sqlstate}`, ...(hint === undefined ? [] : [`Hint: ${hint}`]), ...excerpt.split('\n')]
}

function notAtomic({ name, status }: AppliedMigration, file: MigrationFile): readonly Finding[] {
  const { leavesParts, units } = planTransactions(file)
  if (!leavesParts || status === 'not run') return []
  const alone = file.statements.find(({ standalone }) => standalone)
  const second = alone ?? units[1]?.statements[0]
  return [
    {
      kind: 'migration.not-atomic',
      object: name,
      title: `${name} runs in ${units.length} transactions: a failure half way leaves a part of it behind`,
      evidence: units.map(({ statements, transaction }) => {
        const [first] = statements
        const what = transaction === 'none' ? 'a statement by itself' : `${statements.length} statements together`
        return `From line ${first?.line ?? 1}: ${what}.`
      }),
      migration: name,
      where: { file: file.path, line: second?.line ?? 1, column: second?.column ?? 1 },
      fix: alone
        ? 'Put each statement that cannot run in a transaction into a file of its own.'
        : 'Remove BEGIN and COMMIT: each file runs in one transaction anyway.',
    },
  ]
}
