import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import { applyRollback, checksOfRollback, findingsOfRollback, type RollbackFolder } from './migrations/rollback.ts'
import type { Check } from './model/check.ts'
import type { Finding } from './model/finding.ts'
import type { MigrationFile, RollbackRun } from './model/migration-run.ts'
import { compareLedger } from './snapshot/ledger/compare-ledger.ts'
import { schemasEqual } from './snapshot/schema/compare-schema.ts'
import { takeSchema } from './snapshot/schema/take-schema.ts'
import type { Stages } from './stages.ts'

const check = {
  id: 'rollback.complete',
  metric: 'data',
  title: 'After the rollback everything is as before',
  required: false,
} as const

/**
 * Takes the migrations back on a clone of after, and holds schema and data against before. Whatever is not as it was is
 * `rollback.incomplete`; that it is said does not depend on any expectation of the migrations.
 */
export async function rehearseRollback(
  sides: { readonly before: Database; readonly after: Database },
  folder: RollbackFolder | undefined,
  applied: readonly MigrationFile[],
  clone: Cloner,
  stages: Stages,
  signal: AbortSignal,
): Promise<RollbackRun | undefined> {
  if (folder === undefined) {
    const reason = 'no folder with rollback scripts is named (--rollback): restoring the backup is the only way back'
    stages.skip('rollback', reason)
    stages.add({ findings: [], checks: [{ ...check, status: 'not configured', reason }] })
    return undefined
  }
  return stages.run('rollback', async (progress) => {
    await using back = await clone(sides.after)
    const run = await applyRollback(back, folder, applied, {
      signal,
      onProgress: ({ name, file, files }) => progress(`${file} of ${files}: ${name}`),
    })
    const complete = run.scripts.every(({ status }) => status === 'applied')
    const left = complete ? await differencesLeft(sides.before, back, signal) : undefined
    stages.add({
      findings: [...findingsOfRollback(run, folder), ...(left ?? [])],
      checks: [...checksOfRollback(run), completeness(left)],
    })
    progress(`${run.scripts.filter(({ status }) => status === 'applied').length} of ${run.scripts.length} scripts ran`)
    return run
  })
}

async function differencesLeft(before: Database, back: Database, signal: AbortSignal): Promise<Finding[]> {
  const [was, is] = await Promise.all([takeSchema(before, { signal }), takeSchema(back, { signal })])
  const ledger = await compareLedger(before, back, { signal })
  // A sequence does not go back, and a trigger's updated_at is not expected to.
  const rows = ledger.findings.filter(
    ({ kind }) =>
      kind.startsWith('data.') &&
      kind !== 'data.rows-touched' &&
      kind !== 'data.orphans' &&
      kind !== 'data.sequence-behind',
  )
  const structure = schemasEqual(was, is)
  return [
    ...(structure.length === 0
      ? []
      : [
          incomplete(
            'schema',
            `${structure.length === 1 ? 'One thing' : `${structure.length} things`} in the schema ${structure.length === 1 ? 'is' : 'are'} not as before after the rollback`,
            structure.slice(0, 20),
          ),
        ]),
    ...rows.map((row) =>
      incomplete(row.object, `After the rollback, compared with before: ${row.title}`, row.evidence, row.columns),
    ),
  ]
}

function incomplete(object: string, title: string, evidence: readonly string[], columns?: readonly string[]): Finding {
  return { kind: 'rollback.incomplete', object, title, evidence, ...(columns === undefined ? {} : { columns }) }
}

function completeness(left: readonly Finding[] | undefined): Check {
  if (left === undefined) return { ...check, status: 'not run', reason: 'not every rollback script ran' }
  return {
    ...check,
    status: left.length === 0 ? 'passed' : 'failed',
    summary: left.length === 0 ? 'Schema and data are as before.' : `${left.length} differences are left.`,
    numbers: { differences: left.length },
  }
}
