import type { Connection } from '../../database/engine.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Task } from '../dependencies.ts'
import type { Dump } from '../dump.ts'
import type { PlannedEntry } from '../plan.ts'
import type { Account } from './account.ts'
import { runInBatches } from './batches.ts'
import { loadLargeObjects } from './large-objects.ts'
import { isDeadlock, throwIfFatal } from './outcome.ts'
import { loadRows } from './rows.ts'

type LoaderOptions = {
  readonly signal: AbortSignal | undefined
  readonly onBytes: (bytes: number) => void
  readonly settle: (planned: PlannedEntry, error?: Error) => void
}

/** Does the tasks of the parallel phase. */
export class Loader {
  /** Tables whose rows no foreign key was checked for. */
  readonly unchecked: { readonly schema: string; readonly name: string }[] = []
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
    if (this.#dump.data.form(entry.id) === undefined) return this.#options.settle(planned)
    // Rows of a partition can be told to go through its parent, which takes no TRUNCATE ONLY.
    const throughParent = /^-- load via partition root/m.test(entry.definition)
    const { signal, onBytes } = this.#options
    const fresh =
      !throughParent && entry.dependencies.some((id) => this.#freshTables.has(id) && !this.#account.isLost(id))
    const replica = this.#dump.missing !== undefined && !entry.dependencies.some((id) => this.#freshTables.has(id))
    const { error, ...rows } = await loadRows(this.#dump, entry, connection, { fresh, replica, signal, onBytes })
    if (replica) this.unchecked.push({ schema: entry.schema ?? '', name: entry.name })
    this.#account.tables.push({ schema: entry.schema ?? '', name: entry.name, ...rows })
    this.#options.settle(planned, error)
  }

  async #loadLargeObjects(planned: PlannedEntry, connection: Connection): Promise<void> {
    const { data } = this.#dump
    const { id } = planned.entry
    try {
      if (data.form(id) !== undefined) await loadLargeObjects(data, id, connection, this.#options.signal)
      this.#options.settle(planned)
    } catch (error) {
      throwIfFatal(error)
      this.#options.settle(planned, error)
    }
  }
}
