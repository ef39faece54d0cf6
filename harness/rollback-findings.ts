import { evidenceOfFailure } from './migrations/outcome.ts'
import type { Check } from './model/check.ts'
import type { Finding } from './model/finding.ts'
import type { AppliedMigration, MigrationFile } from './model/migration-run.ts'
import type { Written } from './snapshot/wayback/written.ts'

const of = { metric: 'data', required: false } as const
const complete = { ...of, id: 'rollback.complete', title: 'After the rollback everything is as before' } as const
const policies = {
  ...of,
  id: 'rollback.policies',
  title: 'The rollback reverts policies, grants and row security',
} as const
const rows = {
  ...of,
  id: 'rollback.added-rows',
  title: 'The rollback removes the rows that the migrations added',
} as const
const newData = {
  ...of,
  id: 'rollback.new-data',
  title: 'What the rollback takes of new data is known, and the migrations apply again',
} as const
const applied = { ...of, id: 'rollback.applied', title: 'The rollback scripts run' } as const

export const notConfiguredReason =
  'there is no rollback script: name their folder (--rollback), or write the way down in the migrations. Restoring the backup is the only way back'

/** The checks of a run without scripts: nobody asked for this way back. Pure. */
export const notConfigured: readonly Check[] = [applied, complete, policies, rows, newData].map((check) => ({
  ...check,
  status: 'not configured',
  reason: notConfiguredReason,
}))

/** What is not as before, by what the plan's rollback section asks for. */
export type DifferencesLeft = {
  readonly findings: readonly Finding[]
  /** Lines of the schema that speak of who may do what. */
  readonly access: number
  readonly addedRows: number
}

/**
 * `structure`: lines of `schemasEqual`; `data`: findings of the ledger; `jobs`: sentences of `jobsLeft`; each of before
 * against the copy that was taken back. Pure.
 */
export function differencesLeft(
  structure: readonly string[],
  data: readonly Finding[],
  jobs: readonly string[],
): DifferencesLeft {
  // A sequence does not go back, and a trigger's updated_at is not expected to.
  const changed = data.filter(
    ({ kind }) =>
      kind.startsWith('data.') &&
      kind !== 'data.rows-touched' &&
      kind !== 'data.orphans' &&
      kind !== 'data.sequence-behind',
  )
  const many = structure.length !== 1
  return {
    findings: [
      ...(structure.length === 0
        ? []
        : [
            incomplete(
              'schema',
              `${many ? `${structure.length} things` : 'One thing'} in the schema ${many ? 'are' : 'is'} not as before after the rollback`,
              structure.slice(0, 20),
            ),
          ]),
      ...changed.map((row) =>
        incomplete(row.object, `After the rollback, compared with before: ${row.title}`, row.evidence, row.columns),
      ),
      ...jobs.map((job) => incomplete('cron.job', `After the rollback ${job}`, [])),
    ],
    access: structure.filter((line) =>
      /\b(policy|grants?|row-level security|default privileges|membership|belongs to)\b/.test(line),
    ).length,
    addedRows: changed.filter(({ kind }) => kind === 'data.rows-inserted').length,
  }
}

/** `left` is undefined where not every script ran. Pure. */
export function backChecks(left: DifferencesLeft | undefined): readonly Check[] {
  if (left === undefined) {
    const reason = 'not every rollback script ran'
    return [complete, policies, rows].map((check) => ({ ...check, status: 'not run', reason }))
  }
  const check = (
    base: typeof complete | typeof policies | typeof rows,
    count: number,
    fine: string,
    not: string,
  ): Check => ({
    ...base,
    status: count === 0 ? 'passed' : 'failed',
    summary: count === 0 ? fine : not,
    numbers: { differences: count },
  })
  return [
    check(
      complete,
      left.findings.length,
      'Schema, data and scheduled jobs are as before.',
      `${left.findings.length} differences are left.`,
    ),
    check(
      policies,
      left.access,
      'Policies, grants, owners and row security are as before, and with them who reaches what.',
      `${left.access} of them are not as before.`,
    ),
    check(
      rows,
      left.addedRows,
      'No row that the migrations added, such as roles, is left.',
      `Rows are left in ${left.addedRows} table${left.addedRows === 1 ? '' : 's'}.`,
    ),
  ]
}

/** Failed when scripts or migrations do not bear with new rows; what is lost is for people to weigh. Pure. */
export function newDataCheck(written: readonly Written[], findings: readonly Finding[], reason?: string): Check {
  if (reason !== undefined) return { ...newData, status: 'not run', reason }
  const all = written.flatMap((table) => table.rows)
  const losses = findings.filter(({ kind }) => kind === 'rollback.loses-new-data').length
  const harm = findings.length > losses
  const numbers = {
    tablesWritten: written.length,
    rowsMade: all.filter(({ isNew }) => isNew).length,
    rowsEdited: all.filter(({ isNew }) => !isNew).length,
    losses,
  }
  return {
    ...newData,
    status: harm ? 'failed' : 'passed',
    summary:
      `${numbers.rowsMade} rows made and ${numbers.rowsEdited} edited in ${written.length} tables, as the app would after the deploy: ` +
      `${losses === 0 ? 'the rollback keeps them all' : `the rollback takes some of them in ${losses} way${losses === 1 ? '' : 's'}`}${harm ? '.' : '; then the migrations apply again.'}`,
    numbers,
  }
}

/** A migration that applied, was taken back, and does not apply a second time. Pure. */
export function failedAgain({ name, failure }: AppliedMigration, files: readonly MigrationFile[]): readonly Finding[] {
  if (!failure) return []
  const path = files.find((file) => file.name === name)?.path
  return [
    {
      kind: 'rollback.incomplete',
      object: name,
      title: `After the rollback ${name} does not apply again: line ${failure.line}: ${failure.message}`,
      evidence: evidenceOfFailure(failure),
      ...(path === undefined ? {} : { where: { file: path, line: failure.line, column: failure.column } }),
    },
  ]
}

function incomplete(object: string, title: string, evidence: readonly string[], columns?: readonly string[]): Finding {
  return { kind: 'rollback.incomplete', object, title, evidence, ...(columns === undefined ? {} : { columns }) }
}
