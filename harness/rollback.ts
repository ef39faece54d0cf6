import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import { throwIfAborted } from './errors.ts'
import { applyMigrations } from './migrations/apply.ts'
import { withoutRoles } from './migrations/cluster-wide.ts'
import { applyRollback, checksOfRollback, findingsOfRollback, type RollbackFolder } from './migrations/rollback.ts'
import type { Finding } from './model/finding.ts'
import type { MigrationFile, RollbackRun } from './model/migration-run.ts'
import type { RestoreRun } from './model/restore-run.ts'
import { accessNotAsked, compareAccessBack, type KnownAccess } from './rollback-access.ts'
import {
  backChecks,
  differencesLeft,
  failedAgain,
  newDataCheck,
  notConfigured,
  notConfiguredReason,
} from './rollback-findings.ts'
import { jobsLeft } from './snapshot/jobs/compare.ts'
import { takeJobs } from './snapshot/jobs/take.ts'
import { compareLedger } from './snapshot/ledger/compare-ledger.ts'
import { schemasEqual } from './snapshot/schema/compare-schema.ts'
import { type SchemaFacts, takeSchema } from './snapshot/schema/take-schema.ts'
import { writeAsApp } from './snapshot/wayback/app-writes.ts'
import { lookFor } from './snapshot/wayback/losses.ts'
import { restoreTime, takePace } from './snapshot/wayback/restore-time.ts'
import { type Left, lossFindings } from './snapshot/wayback/written.ts'
import type { Stages } from './stages.ts'

type Sides = { readonly before: Database; readonly after: Database }

export type WayBack = KnownAccess & {
  readonly folder: RollbackFolder | undefined
  readonly applied: readonly MigrationFile[]
  readonly restore: RestoreRun | undefined
  /** Tables that the migrations made, altered or wrote to, as findings name them. */
  readonly touched: ReadonlySet<string>
  /** Record the migrations that are applied again in the history. */
  readonly record: boolean
  /** Reads a schema, that of before not again. */
  readonly schemaOf: (database: Database) => Promise<SchemaFacts>
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/**
 * Goes every way back that there is. With scripts: down on a clone of after, held against before; and on another one up,
 * the app writes, down, up again, to name what the scripts take of the new data. Always: the backup, whose restore this
 * run has measured. That something is not as it was is said whatever the migrations expect.
 */
export async function rehearseRollback(sides: Sides, way: WayBack, stages: Stages): Promise<RollbackRun | undefined> {
  return await stages.run('rollback', async (progress) => {
    const { folder, restore } = way
    if (restore) stages.add(restoreTime(restore, await takePace(sides.before), folder === undefined))
    if (folder === undefined) {
      stages.add({ findings: [], checks: [...notConfigured, accessNotAsked('not configured', notConfiguredReason)] })
      progress('no rollback scripts: restoring the backup is the only way back')
      return undefined
    }
    const run = await goBack(sides, folder, way, stages, progress)
    if (run.scripts.every(({ status }) => status !== 'failed')) await goBackWithNewData(sides, folder, way, stages)
    progress(`${run.scripts.filter(({ status }) => status === 'applied').length} of ${run.scripts.length} scripts ran`)
    return run
  })
}

async function goBack(
  { before, after }: Sides,
  folder: RollbackFolder,
  { applied, schemaOf, clone, signal, ...known }: WayBack,
  stages: Stages,
  progress: (text: string) => void,
): Promise<RollbackRun> {
  await using back = await clone(after)
  const run = await applyRollback(back, folder, applied, {
    signal,
    onProgress: ({ name, file, files }) => progress(`${file} of ${files}: ${name}`),
  })
  const complete = run.scripts.every(({ status }) => status === 'applied')
  const left = complete ? await compareBack(before, back, schemaOf, signal) : undefined
  stages.add({
    findings: [...findingsOfRollback(run, folder), ...(left?.findings ?? [])],
    checks: [...checksOfRollback(run), ...backChecks(left)],
  })
  if (complete) {
    const reached = await compareAccessBack(before, back, known, signal)
    stages.add({ findings: reached.findings, checks: [reached.check] })
  } else stages.add({ findings: [], checks: [accessNotAsked('not run', 'not every rollback script ran')] })
  return run
}

async function compareBack(before: Database, back: Database, schemaOf: WayBack['schemaOf'], signal: AbortSignal) {
  const [was, is] = await Promise.all([schemaOf(before), takeSchema(back, { signal })])
  const ledger = await compareLedger(before, back, { signal })
  const jobs = jobsLeft(await jobsOf(before), await jobsOf(back))
  return differencesLeft(schemasEqual(was, is), ledger.findings, jobs)
}

async function jobsOf(database: Database) {
  await using session = await database.connect({ readOnly: true })
  return await takeJobs(session)
}

/** Up, the app writes, down script by script, up again. Scripts and migrations must also bear with rows that are new. */
async function goBackWithNewData(
  { after }: Sides,
  folder: RollbackFolder,
  { applied, touched, record, clone, signal }: WayBack,
  stages: Stages,
): Promise<void> {
  await using used = await clone(after)
  const written = await writeAsApp(used, touched, { signal })
  if (written.length === 0) {
    stages.add({
      findings: [],
      checks: [newDataCheck(written, [], 'none of the tables that the migrations touch took a row')],
    })
    return
  }
  const findings: Finding[] = []
  let left: readonly Left[] = await lookFor(used, written)
  for (const migration of applied.toReversed()) {
    throwIfAborted(signal, `taking ${migration.name} back`)
    const run = await applyRollback(used, folder, [migration], { signal })
    const failed = run.scripts.filter(({ status }) => status === 'failed')
    if (failed.length > 0) {
      findings.push(...findingsOfRollback({ ...run, scripts: failed }, { ...folder, unmatched: [] }).map(withNewRows))
      break
    }
    const now = await lookFor(used, written)
    findings.push(...lossFindings(written, left, now, migration.name))
    left = now
  }
  const failedDown = findings.some(({ kind }) => kind === 'rollback.failed')
  if (!failedDown) findings.push(...(await upAgain(used, folder, applied, record, signal)))
  stages.add({ findings, checks: [newDataCheck(written, findings)] })
}

const withNewRows = (finding: Finding): Finding => ({
  ...finding,
  evidence: [
    'It ran on the copy as the migrations left it, and fails once the app has written to it.',
    ...finding.evidence,
  ],
})

/** Only migrations with a script: the others were never taken back. */
async function upAgain(
  used: Database,
  { scripts }: RollbackFolder,
  applied: readonly MigrationFile[],
  record: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const back = applied.filter(({ name }) => scripts.some((script) => script.name === name))
  const run = await applyMigrations(used, back.map(withoutRoles), { signal, record })
  return run.migrations.flatMap((migration) => failedAgain(migration, applied))
}
