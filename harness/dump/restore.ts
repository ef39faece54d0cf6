import type { Database } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import { throwIfAborted } from '../errors.ts'
import type { ClientName } from '../model/config.ts'
import type { RestoreRun } from '../model/restore-run.ts'
import { finishMissingSchemas, makeMissingSchemas } from '../platform/prepare.ts'
import { planTasks } from './dependencies.ts'
import type { Dump } from './dump.ts'
import { Account } from './load/account.ts'
import { analyzeTables } from './load/analyze.ts'
import { runInBatches } from './load/batches.ts'
import { Loader } from './load/loader.ts'
import { addRealtimePartition } from './load/realtime.ts'
import { checkReferences } from './load/references.ts'
import { runTasks } from './load/schedule.ts'
import { takeServerFacts } from './load/server-facts.ts'
import { Sessions } from './load/session.ts'
import { Stopwatch } from './load/stopwatch.ts'
import { type Looked, lookForMasks, Masking, type MaskSetup } from './mask/masking.ts'
import { loadNatively } from './native/load-natively.ts'
import { type PlannedEntry, type PlanPhase, planRestore } from './plan.ts'
import { checkServerVersion } from './server-version.ts'

export type RestoreOptions = {
  /** Connections that load rows and build indexes at the same time. Default: 2. */
  readonly jobs?: number
  /** `native`: PostgreSQL's pg_restore loads rows and builds what stands on them, from the same plan; it cannot mask. Default: `own`. */
  readonly client?: ClientName
  /** Personal data to replace on the way in. Default: none. */
  readonly mask?: MaskSetup | undefined
  readonly signal?: AbortSignal
  /** Called often: keep it cheap. */
  readonly onProgress?: (progress: RestoreProgress) => void
}

export type RestoreProgress = {
  /** As in `RestoreRun.phases`. */
  readonly phase: string
  readonly entriesDone: number
  readonly entries: number
  /** Of rows, unpacked. */
  readonly bytesLoaded: number
}

/**
 * Restores a dump into a fresh database, as its admin role, and accounts for every entry: the failure of one does not
 * keep the others from being restored, and is told in its row. Roles that the dump names and the server lacks are made,
 * without login. Throws `dump.newer-server`, `dump.corrupt` (data that does not unpack), `config.invalid` (masks), `engine.disk-full`,
 * `database.failed` and `aborted`.
 */
export async function restore(dump: Dump, database: Database, options: RestoreOptions = {}): Promise<RestoreRun> {
  checkServerVersion(dump, database.cluster.serverVersionNum)
  await using sessions = new Sessions(dump, database)
  const stop = () => sessions.cut()
  options.signal?.addEventListener('abort', stop)
  const { mask, signal } = options
  const masks = mask && { setup: mask, looked: lookForMasks(dump, mask, signal) }
  // It may fail before anyone waits for it.
  masks?.looked.catch(() => {})
  try {
    return await restoreInto(database, dump, sessions, options, masks)
  } catch (error) {
    throwIfAborted(options.signal, 'restoring the dump')
    throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await masks?.looked.catch(() => {})
  }
}

async function restoreInto(
  database: Database,
  dump: Dump,
  sessions: Sessions,
  options: RestoreOptions,
  masks: { readonly setup: MaskSetup; readonly looked: Promise<Looked> } | undefined,
): Promise<RestoreRun> {
  const watch = new Stopwatch()
  const { missing } = dump
  if (missing) await makeMissingSchemas(database, { ...signalOf(options), history: missing.history })
  const main = await sessions.open()
  const plan = planRestore(dump, await takeServerFacts(main, database.name))
  let masking: Masking | undefined
  const account = new Account(plan, (table) => masking?.columnsOf(table) ?? [])
  for (const role of plan.missingRoles) await main.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`)

  const { signal, onProgress } = options
  const progress = { entriesDone: 0, bytesLoaded: 0 }
  const report = (phase: string) => onProgress?.({ phase, entries: plan.entries.length, ...progress })
  const due = (phase: PlanPhase) =>
    plan.entries.filter(
      (planned) => planned.phase === phase && (planned.action === 'restore' || planned.action === 'alter'),
    )
  const settle = (planned: PlannedEntry, error?: Error) => {
    account.settle(planned, error)
    progress.entriesDone++
  }
  const runPhase = (phase: PlanPhase, entries: readonly PlannedEntry[] = due(phase)) =>
    watch.time(phase, async () => {
      report(phase)
      await runInBatches(entries, main, settle, signal)
    })
  const natively = (entries: readonly PlannedEntry[]) =>
    loadNatively(entries, {
      ...{ dump, database, signal, settle },
      connection: main,
      jobs: options.jobs ?? 2,
      onTable: (table) => account.tables.push(table),
    })
  let afterLoad: readonly PlannedEntry[] | undefined

  let unchecked: Loader['unchecked'] = []
  watch.lap('prepare')
  await runPhase('pre-data')
  if (masks) masking = await watch.time('mask', () => Masking.plan(dump, main, masks.setup, masks.looked))
  const source = masking === undefined ? dump : { ...dump, data: masking.data }
  await watch.time('load', async () => {
    const connections = [main, ...(await sessions.openMore((options.jobs ?? 2) - 1))]
    const all = options.client === 'native' ? await natively([...due('load'), ...due('post-data')]) : due('load')
    const planned = new Map(all.filter(({ phase }) => phase === 'load').map((each) => [each.entry.id, each]))
    if (options.client === 'native') afterLoad = all.filter(({ phase }) => phase === 'post-data')
    const onBytes = (bytes: number) => {
      progress.bytesLoaded += bytes
      report('load')
    }
    const loader = new Loader(source, account, planned, { signal, onBytes, settle })
    const tasks = planTasks(
      [...planned.values()].map(({ entry }) => entry),
      source.data,
    )
    await runTasks(tasks, connections, (task, connection) => loader.run(task, connection))
    await loader.retryDeadlocked(main)
    unchecked = loader.unchecked
  })
  await runPhase('post-data', afterLoad)
  await runPhase('acl')
  await runPhase('refresh')
  const brokenReferences = await checkReferences(main, unchecked)
  if (missing) await finishMissingSchemas(database, signalOf(options))
  await watch.time('last', async () => {
    report('last')
    await addRealtimePartition(main)
    await runInBatches(due('last'), main, settle, signal)
  })
  await watch.time('analyze', async () => {
    report('analyze')
    throwIfAborted(signal, 'analyzing the restored tables')
    await analyzeTables(sessions.all)
  })

  return {
    dump: dump.facts,
    serverVersion: database.cluster.serverVersion,
    entries: account.entries(),
    tables: account.tables,
    extensions: plan.extensions,
    rolesCreated: plan.missingRoles,
    ...(masking === undefined ? {} : { masking: masking.run() }),
    ...(dump.notInDump === undefined ? {} : { notInDump: dump.notInDump }),
    ...(brokenReferences.length > 0 ? { brokenReferences } : {}),
    phases: watch.laps,
    milliseconds: watch.total,
  }
}

function signalOf({ signal }: RestoreOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
