import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import { applyAgain } from './migrations/again.ts'
import { applyMigrations } from './migrations/apply.ts'
import { touchedTables } from './migrations/canary-tables.ts'
import { withoutRoles } from './migrations/cluster-wide.ts'
import { cutTransaction, type FileSweep, leavesParts, sweepParts } from './migrations/crash-sweep.ts'
import { checkOfAgain, checkOfSweep, findingsOfAgain, findingsOfSweep } from './migrations/deploy-findings.ts'
import { defaultMaxBlock } from './migrations/lock-findings.ts'
import { runUnderTraffic } from './migrations/traffic.ts'
import { checksOfTraffic, findingsOfTraffic } from './migrations/traffic-findings.ts'
import type { MigrationFile, MigrationRun } from './model/migration-run.ts'
import type { Stages } from './stages.ts'

export type DeployOptions = {
  readonly pending: readonly MigrationFile[]
  /** The run that made after. */
  readonly run: MigrationRun
  readonly record: boolean
  /** Milliseconds. */
  readonly maxBlock: number | undefined
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/**
 * The deploy once more, on one clone of before: each file is cut off before its COMMIT, then applied while readers and
 * writers use its tables, and in the end all files are applied a second time.
 */
export async function rehearseDeploy(before: Database, options: DeployOptions, stages: Stages): Promise<void> {
  const { run, record, maxBlock = defaultMaxBlock, clone, signal } = options
  const pending = options.pending.map(withoutRoles)
  await stages.run('deploy', async (progress) => {
    await using database = await clone(before)
    const sweeps: FileSweep[] = []
    const traffic = await runUnderTraffic(database, pending, {
      signal,
      record,
      tables: touchedTables(run),
      async beforeFile(file) {
        progress(file.name)
        if (leavesParts(file)) return
        sweeps.push(
          await cutTransaction(
            database,
            file,
            run.migrations.find(({ name }) => name === file.name),
            signal,
          ),
        )
      },
    })
    const failed = traffic.run.migrations.find(({ failure }) => failure)
    if (failed)
      throw new Error(`${failed.name} applied once and does not apply on another clone: ${failed.failure?.message}`)
    stages.add({ findings: findingsOfTraffic(traffic, pending, maxBlock), checks: checksOfTraffic(traffic, maxBlock) })
    sweeps.push(...(await sweepFilesInParts(before, pending, options)))
    // What was told by reading the file is now told by trying.
    const swept = new Set(sweeps.map(({ name }) => name))
    stages.replaceFindings(
      stages.findings.filter(({ kind, object }) => kind !== 'migration.not-atomic' || !swept.has(object)),
    )
    stages.add({ findings: findingsOfSweep(sweeps, pending), checks: [checkOfSweep(sweeps)] })
    const again = await applyAgain(database, pending, writtenTables(run), signal)
    stages.add({ findings: findingsOfAgain(again, pending, record), checks: [checkOfAgain(again)] })
    progress(checksOfTraffic(traffic, maxBlock)[0]?.summary ?? '')
  })
}

/** Files that commit several times, each on top of the files before it. */
async function sweepFilesInParts(
  before: Database,
  pending: readonly MigrationFile[],
  { record, clone, signal }: DeployOptions,
): Promise<readonly FileSweep[]> {
  if (!pending.some(leavesParts)) return []
  const sweeps: FileSweep[] = []
  await using walk = await clone(before)
  for (const file of pending.slice(0, pending.findLastIndex(leavesParts) + 1)) {
    if (leavesParts(file)) sweeps.push(await sweepParts(walk, file, { signal, record, clone }))
    await applyMigrations(walk, [file], { signal, record })
  }
  return sweeps
}

function writtenTables({ migrations }: MigrationRun): readonly string[] {
  const rows = migrations.flatMap(({ rows: own = [], trace = [] }) => [
    ...own,
    ...trace.flatMap((one) => one.rows ?? []),
  ])
  return [...new Set(rows.map(({ table }) => table))].filter((table) => !table.startsWith('supabase_migrations.'))
}
