import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import type { AgainRun, FileAgain } from './again.ts'
import type { FileSweep } from './crash-sweep.ts'

const shown = 10

/** Files that a cut leaves in pieces: blocking when running them again does not mend it, else for information. */
export function findingsOfSweep(sweeps: readonly FileSweep[], files: readonly MigrationFile[]): readonly Finding[] {
  return sweeps.flatMap((sweep): readonly Finding[] => {
    const { name, outcome, at, differences = [], states } = sweep
    const file = files.find((one) => one.name === name)
    const path = file ? { where: { file: file.path, line: at?.line ?? 1, ...(at ? { column: at.column } : {}) } } : {}
    if (outcome === 'resumable')
      return [
        {
          kind: 'migration.not-atomic',
          object: name,
          title: `${name} commits ${states + 1} times; cut off in between and run again, it ends the same`,
          evidence: [
            `${states === 1 ? 'One cut was' : `${states} cuts were`} tried, one after each part but the last.`,
          ],
          migration: name,
          severity: 'info',
          ...path,
        },
      ]
    if (outcome !== 'stuck') return []
    return [
      {
        kind: 'migration.not-atomic',
        object: name,
        title: `${name}, cut off after line ${at?.line ?? 1}, leaves a part behind that running it again does not mend`,
        evidence: some(differences),
        migration: name,
        ...path,
        fix: 'Put each statement that cannot run in a transaction into a file of its own, and write it so that it may run twice (if not exists).',
      },
    ]
  })
}

/** The check `migrations.cut-off`: after each cut the database is as before, or the same in the end. */
export function checkOfSweep(sweeps: readonly FileSweep[]): Check {
  const check = {
    id: 'migrations.cut-off',
    metric: 'data',
    title: 'The deploy cut off after every statement',
    required: true,
  } as const
  const unseen = sweeps.filter(({ outcome }) => outcome === 'not looked')
  const stuck = sweeps.filter(({ outcome }) => outcome === 'stuck')
  const sum = (of: (sweep: FileSweep) => number) => sweeps.reduce((total, sweep) => total + of(sweep), 0)
  const [first] = unseen
  const numbers = { cuts: sum(({ cuts }) => cuts), states: sum(({ states }) => states), stuck: stuck.length }
  if (first) return { ...check, status: 'not run', reason: `${first.name}: ${first.differences?.[0] ?? ''}`, numbers }
  const summary =
    stuck.length > 0
      ? `${stuck.map(({ name }) => name).join(', ')}: a cut leaves a part behind.`
      : `${numbers.cuts} places for a cut, ${numbers.states} different outcomes: each is as before, or ends the same when run again.`
  return { ...check, status: stuck.length > 0 ? 'failed' : 'passed', summary, numbers }
}

/** Files that fail a second time, or do their work twice. */
export function findingsOfAgain(
  { files: again, changes }: AgainRun,
  files: readonly MigrationFile[],
  record: boolean,
): readonly Finding[] {
  const told = new Set<string>()
  const findings = again.flatMap((one): readonly Finding[] => {
    const twice = changes.filter((change) => one.rows.some(({ table }) => speaksOf(change, table)))
    for (const change of twice) told.add(change)
    if (!one.failure && twice.length === 0) return []
    return [notRepeatable(one, twice, files, record)]
  })
  const rest = changes.filter((change) => !told.has(change))
  if (rest.length === 0) return findings
  return [
    ...findings,
    {
      kind: 'migration.not-repeatable',
      object: 'migrations',
      title: `Applied a second time, the migrations change ${rest.length === 1 ? 'one thing' : `${rest.length} things`} more`,
      evidence: some(rest),
    },
  ]
}

function speaksOf(change: string, table: string): boolean {
  return change.startsWith(`${table} `) || change.startsWith(`${table}(`)
}

function notRepeatable(
  { name, failure }: FileAgain,
  twice: readonly string[],
  files: readonly MigrationFile[],
  record: boolean,
): Finding {
  const file = files.find((one) => one.name === name)
  return {
    kind: 'migration.not-repeatable',
    object: name,
    title: failure
      ? `${name} fails when it is applied a second time, at line ${failure.line}: ${failure.message}`
      : `${name} does its work once more when it is applied a second time`,
    evidence: [
      ...(failure ? [`SQLSTATE ${failure.sqlstate}`] : []),
      ...some(twice),
      record
        ? 'The history keeps a tool from it: after a deploy that stopped half way, what was applied is not run again.'
        : 'No history is kept here: after a deploy that stopped half way, nothing tells which files are not to be run again.',
    ],
    migration: name,
    ...(file
      ? { where: { file: file.path, line: failure?.line ?? 1, ...(failure ? { column: failure.column } : {}) } }
      : {}),
  }
}

function some(lines: readonly string[]): readonly string[] {
  return lines.length > shown ? [...lines.slice(0, shown), `… and ${lines.length - shown} more`] : lines
}

/** The check `migrations.again`. */
export function checkOfAgain({ files, changes }: AgainRun): Check {
  const failed = files.filter(({ failure }) => failure).length
  const parts = [
    `${files.length - failed} of ${files.length} files apply a second time`,
    changes.length === 0 ? 'nothing changes by it' : `${changes.length} things change by it`,
  ]
  return {
    id: 'migrations.again',
    metric: 'data',
    title: 'The migrations applied twice',
    required: false,
    status: 'passed',
    summary: `${parts.join(', ')}.`,
    numbers: { files: files.length, failed, changes: changes.length },
  }
}
