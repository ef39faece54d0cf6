import type { Cluster, Database, Engine } from './database/engine.ts'
import { checksOfRestore, findingsOfRestore } from './dump/findings.ts'
import { restore } from './dump/restore.ts'
import { checkServerVersion } from './dump/server-version.ts'
import { engines } from './engines.ts'
import { HarnessError } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { noteKept } from './kept.ts'
import { applyMigrations } from './migrations/apply.ts'
import { readHistory } from './migrations/history.ts'
import { checksOfLocks, defaultMaxBlock, findingsOfLocks } from './migrations/lock-findings.ts'
import { type OtherHistory, readOtherHistory } from './migrations/other-history.ts'
import { selectOtherPending } from './migrations/other-pending.ts'
import { checksOfMigrations, findingsOfMigrations } from './migrations/outcome.ts'
import { type Selection, selectPending } from './migrations/pending.ts'
import { takeTableSizes } from './migrations/table-sizes.ts'
import type { Fingerprint } from './model/fingerprint.ts'
import type { MigrationRun } from './model/migration-run.ts'
import type { RestoreRun } from './model/restore-run.ts'
import { extensionFiles, preloadedExtensions } from './platform/extension-files.ts'
import { platformRoles } from './platform/login-roles.ts'
import { preparePlatform } from './platform/prepare.ts'
import { apiZone, compareZones, takeZones } from './snapshot/dates/zones.ts'
import { compareFingerprints } from './snapshot/fingerprints/compare.ts'
import { takeFingerprints } from './snapshot/fingerprints/take.ts'
import { compareRoles } from './snapshot/roles/compare.ts'
import { takeRoles } from './snapshot/roles/take.ts'
import type { Evidence, Stages } from './stages.ts'

/** How much larger a database is than its compressed archive, indexes included; decides where it is put, no more. */
const unpackedRatio = 12

/** Before and after on one cluster, and how they came about. Disposal stops the cluster, unless it was kept. */
export interface Prepared extends AsyncDisposable {
  readonly cluster: Cluster
  readonly before?: Database
  readonly restore?: RestoreRun
  readonly selection?: Selection
  readonly migrations?: MigrationRun
  /** In which the Data API of before reads and writes times without a zone. */
  readonly zone?: string
  /** Present when every pending migration was applied. */
  readonly after?: Database
  /** The run has come to its end: the cluster stays, where that was asked for, and is noted beside the reports. */
  keep(): Promise<void>
}

/** Starts a server and makes before and after on it. A stage that fails is told in `stages`; the later parts are then absent. */
export async function prepare(inputs: Inputs, stages: Stages, signal: AbortSignal): Promise<Prepared> {
  const { dump, options } = inputs
  const engine = engines[options.engine]
  if (engine.serverVersionNum !== undefined) checkServerVersion(dump, engine.serverVersionNum)
  const cluster = await startEngine(engine, inputs, stages, signal)
  let isKept = false
  const keep = async () => {
    if (!options.keep) return
    await noteKept(options.out, cluster)
    await cluster.keep()
    isKept = true
  }
  const dispose = async () => {
    if (!isKept) await cluster.stop()
  }
  try {
    checkServerVersion(dump, cluster.serverVersionNum)
    checkClones(cluster)
    const sides = await makeSides(cluster, inputs, stages, signal)
    return { cluster, ...sides, keep, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** Without a second side there is nothing to compare. */
function checkClones({ capabilities, location }: Cluster): void {
  if (capabilities.has('template-clones')) return
  throw new HarnessError(
    'engine.unavailable',
    `No database can be copied on the server at ${location}, so there is nothing to hold against production. Use --engine embedded or container.`,
  )
}

async function startEngine(
  engine: Engine,
  { dump, options }: Inputs,
  stages: Stages,
  signal: AbortSignal,
): Promise<Cluster> {
  // Without a server there is nothing to report on: bad input, told like any other.
  return stages.need('start the server', async (progress) => {
    const databaseBytes = dump.facts.bytes * unpackedRatio
    const { keep, image } = options
    const cluster = await engine.start({
      signal,
      extensionFiles,
      preloadedExtensions,
      keep,
      databaseBytes,
      platformRoles,
      existing: options.existing,
      dumpedFrom: dump.serverVersionNum,
      ...(image === undefined ? {} : { image }),
    })
    progress(`PostgreSQL ${cluster.serverVersion}, ${cluster.image ?? engine.name}`)
    return cluster
  })
}

async function makeSides(
  cluster: Cluster,
  inputs: Inputs,
  stages: Stages,
  signal: AbortSignal,
): Promise<Omit<Prepared, 'cluster' | 'keep' | typeof Symbol.asyncDispose>> {
  const before = await cluster.createDatabase('before')
  const restored = await stages.run('restore', async (progress) => {
    await preparePlatform(before, { signal })
    const run = await restore(inputs.dump, before, {
      signal,
      mask: inputs.mask,
      client: inputs.options.client,
      onProgress: ({ phase, entriesDone, entries }) => progress(`${phase}, ${entriesDone} of ${entries} entries`),
    })
    stages.add({ findings: findingsOfRestore(run), checks: checksOfRestore(run) })
    if (inputs.capture !== undefined) stages.add(await compareWithCapture(before, inputs.capture.tables, run, signal))
    const rows = run.tables.reduce((sum, table) => sum + table.rowsLoaded, 0)
    progress(`${run.entries.length} entries, ${rows.toLocaleString('en')} rows of ${run.tables.length} tables`)
    return run
  })
  if (restored === undefined) return {}

  let refusal: unknown
  const migrate = async (progress: (text: string) => void) => {
    const { layout } = inputs.migrations
    const history = await readHistory(before)
    const other = layout === 'supabase' ? undefined : await readOtherHistory(before, layout)
    const selection = pendingOf(inputs, history, other, (error) => {
      refusal = error
    })
    const after = await before.clone('after')
    const roles = await takeRoles(before)
    const zones = await takeZones(before)
    const sizes = await takeTableSizes(before)
    const run = await applyMigrations(after, selection.pending, {
      signal,
      record: selection.record,
      trace: true,
      onProgress: ({ name, file, files }) => progress(`${file} of ${files}: ${name}`),
    })
    stages.add({
      findings: [...selection.findings, ...findingsOfMigrations(run, selection.pending)],
      checks: checksOfMigrations(run),
    })
    const locks = { maxBlock: inputs.options.config.maxBlock ?? defaultMaxBlock, sizes }
    stages.add({ findings: findingsOfLocks(run, selection.pending, locks), checks: checksOfLocks(run, locks) })
    stages.add(compareRoles(roles, await takeRoles(before)))
    const names = { before: before.name, after: after.name }
    stages.add(compareZones(zones, await takeZones(after), names, selection.pending))
    const applied = run.migrations.filter(({ status }) => status === 'applied').length
    progress(`${applied} of ${run.migrations.length} applied`)
    if (applied === run.migrations.length) await analyze(after)
    const zone = apiZone(zones, before.name)
    return { selection, run, zone, ...(applied === run.migrations.length ? { after } : {}) }
  }
  // That nothing is pending can be told only once the history of the dump is there, yet it is bad input all the same.
  const refused = (error: unknown) => error instanceof HarnessError && error === refusal
  const migrated = await stages.run('migrate', migrate, refused)
  if (migrated === undefined) return { before, restore: restored }
  const { selection, run, zone, after } = migrated
  return { before, restore: restored, selection, zone, migrations: run, ...(after === undefined ? {} : { after }) }
}

/** What was captured against what came of it; of masked tables the rows can be counted only. */
async function compareWithCapture(
  before: Database,
  captured: readonly Fingerprint[],
  { masking }: RestoreRun,
  signal: AbortSignal,
): Promise<Evidence> {
  await using session = await before.connect({ readOnly: true, applicationName: 'greenlight fingerprints' })
  const restored = await takeFingerprints(session, { signal })
  const masked = (masking?.columns ?? []).filter(({ values }) => values > 0).map(({ table }) => table)
  return compareFingerprints(captured, restored, new Set(masked))
}

function pendingOf(
  { migrations, options }: Inputs,
  history: Awaited<ReturnType<typeof readHistory>>,
  other: OtherHistory | undefined,
  onRefusal: (error: unknown) => void,
): Selection {
  try {
    const { files, layout } = migrations
    if (layout !== 'supabase' && (other || !history)) return selectOtherPending(files, layout, other, options.baseline)
    return selectPending(files, history, options.baseline)
  } catch (error) {
    onRefusal(error)
    throw error
  }
}

/** Fresh statistics, as autovacuum would have made them in production by the time that matters. */
async function analyze(database: Database): Promise<void> {
  await using session = await database.connect()
  await session.query('ANALYZE')
}
