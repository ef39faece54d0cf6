import type { Connection, Database } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import { throwIfAborted } from '../errors.ts'
import type { RestoreRun } from '../model/restore-run.ts'
import { planTasks, type Task } from './dependencies.ts'
import type { Dump } from './dump.ts'
import { Account } from './load/account.ts'
import { analyzeTables } from './load/analyze.ts'
import { runInBatches } from './load/batches.ts'
import { loadLargeObjects } from './load/large-objects.ts'
import { isDeadlock, throwIfFatal } from './load/outcome.ts'
import { addRealtimePartition } from './load/realtime.ts'
import { loadRows } from './load/rows.ts'
import { runTasks } from './load/schedule.ts'
import { takeServerFacts } from './load/server-facts.ts'
import { openSession } from './load/session.ts'
import { type PlannedEntry, type PlanPhase, planRestore } from './plan.ts'
import { checkServerVersion } from './server-version.ts'

export type RestoreOptions = {
  /** Connections that load rows and build indexes at the same time. Default: 2. */
  readonly jobs?: number
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
 * without login. Throws `dump.newer-server`, `dump.corrupt` (data that does not unpack), `engine.disk-full`,
 * `database.failed` and `aborted`.
 */
export async function restore(dump: Dump, database: Database, options: RestoreOptions = {}): Promise<RestoreRun> {
  checkServerVersion(dump, database.cluster.serverVersionNum)
  await using sessions = new Sessions(dump, database)
  const watch = new Stopwatch()
  const main = await sessions.open()
  const plan = planRestore(dump, await takeServerFacts(main, database.name))
  const account = new Account(plan)
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
  const runPhase = (phase: PlanPhase) =>
    watch.time(phase, async () => {
      report(phase)
      await runInBatches(due(phase), main, settle, signal)
    })

  watch.lap('prepare')
  await runPhase('pre-data')
  await watch.time('load', async () => {
    const connections = [main, ...(await sessions.openMore((options.jobs ?? 2) - 1))]
    const planned = new Map(due('load').map((each) => [each.entry.id, each]))
    const onBytes = (bytes: number) => {
      progress.bytesLoaded += bytes
      report('load')
    }
    const loader = new Loader(dump, account, planned, { signal, onBytes, settle })
    const tasks = planTasks(
      [...planned.values()].map(({ entry }) => entry),
      dump.blocks,
    )
    await runTasks(tasks, connections, (task, connection) => loader.run(task, connection))
    await loader.retryDeadlocked(main)
  })
  await runPhase('post-data')
  await runPhase('acl')
  await runPhase('refresh')
  await watch.time('last', async () => {
    report('last')
    if (await addRealtimePartition(main)) {
      account.note(
        'TABLE',
        'realtime',
        'messages',
        'Given a default partition: the service that makes one a day does not run here.',
      )
    }
    await runInBatches(due('last'), main, settle, signal)
  })
  await watch.time('analyze', async () => {
    report('analyze')
    throwIfAborted(signal, 'analyzing the restored tables')
    await analyzeTables(sessions.all)
  })

  return {
    dump: dump.facts,
    entries: account.entries(),
    tables: account.tables,
    extensions: plan.extensions,
    rolesCreated: plan.missingRoles,
    phases: watch.laps,
    milliseconds: watch.total,
  }
}

type LoaderOptions = {
  readonly signal: AbortSignal | undefined
  readonly onBytes: (bytes: number) => void
  readonly settle: (planned: PlannedEntry, error?: Error) => void
}

/** Does the tasks of the parallel phase. */
class Loader {
  readonly #dump: Dump
  readonly #account: Account
  readonly #planned: ReadonlyMap<number, PlannedEntry>
  readonly #options: LoaderOptions
  readonly #deadlocked: PlannedEntry[] = []
  readonly #freshTables: ReadonlySet<number>

  constructor(dump: Dump, account: Account, planned: ReadonlyMap<number, PlannedEntry>, options: LoaderOptions) {
    this.#dump = dump
    this.#account = account
    this.#planned = planned
    this.#options = options
    this.#freshTables = new Set(dump.entries.filter((entry) => entry.type === 'TABLE').map((entry) => entry.id))
  }

  async run({ entries }: Task, connection: Connection): Promise<void> {
    const { signal, settle } = this.#options
    throwIfAborted(signal, 'loading the dump')
    const planned = entries.flatMap(({ id }) => this.#planned.get(id) ?? [])
    const [first] = planned
    if (first?.entry.type === 'TABLE DATA') return this.#loadTable(first, connection)
    if (first?.entry.type === 'BLOBS') return this.#loadLargeObjects(first, connection)
    const unlessDeadlocked = (each: PlannedEntry, error?: Error) => {
      if (error && isDeadlock(error)) this.#deadlocked.push(each)
      else settle(each, error)
    }
    return runInBatches(planned, connection, unlessDeadlocked, signal)
  }

  /** What fell victim to a deadlock, once more, with nobody else at work. */
  async retryDeadlocked(connection: Connection): Promise<void> {
    await runInBatches(this.#deadlocked, connection, this.#options.settle, this.#options.signal)
  }

  async #loadTable(planned: PlannedEntry, connection: Connection): Promise<void> {
    const { entry } = planned
    const block = this.#dump.blocks.get(entry.id)
    if (!block) return this.#options.settle(planned)
    // Rows of a partition can be told to go through its parent, which takes no TRUNCATE ONLY.
    const throughParent = /^-- load via partition root/m.test(entry.definition)
    const { signal, onBytes } = this.#options
    const fresh =
      !throughParent && entry.dependencies.some((id) => this.#freshTables.has(id) && !this.#account.isLost(id))
    const { error, ...rows } = await loadRows(this.#dump, entry, block, connection, { fresh, signal, onBytes })
    this.#account.tables.push({ schema: entry.schema ?? '', name: entry.name, ...rows })
    this.#options.settle(planned, error)
  }

  async #loadLargeObjects(planned: PlannedEntry, connection: Connection): Promise<void> {
    const block = this.#dump.blocks.get(planned.entry.id)
    try {
      if (block) await loadLargeObjects(this.#dump, block, connection, this.#options.signal)
      this.#options.settle(planned)
    } catch (error) {
      throwIfFatal(error)
      this.#options.settle(planned, error)
    }
  }
}

class Sessions implements AsyncDisposable {
  readonly all: Connection[] = []
  readonly #dump: Dump
  readonly #database: Database

  constructor(dump: Dump, database: Database) {
    this.#dump = dump
    this.#database = database
  }

  async open(): Promise<Connection> {
    const connection = await openSession(this.#database, this.#dump)
    this.all.push(connection)
    return connection
  }

  openMore(count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: Math.max(0, count) }, () => this.open()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((connection) => connection.end().catch(() => {})))
  }
}

class Stopwatch {
  readonly laps: { readonly name: string; readonly milliseconds: number }[] = []
  readonly #start = performance.now()
  #last = this.#start

  get total(): number {
    return Math.round(performance.now() - this.#start)
  }

  lap(name: string): void {
    const now = performance.now()
    this.laps.push({ name, milliseconds: Math.round(now - this.#last) })
    this.#last = now
  }

  async time(name: string, work: () => Promise<void>): Promise<void> {
    await work()
    this.lap(name)
  }
}
