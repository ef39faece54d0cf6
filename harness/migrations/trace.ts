import type { Connection } from '../database/engine.ts'
import type { LockMode, TableRows, TakenLock, TracedStatement } from '../model/migration-run.ts'
import { strength } from './lock-modes.ts'
import { compareText } from './order.ts'
import type { MigrationSession } from './session.ts'
import { leavesNothing, plainSql, transactionControl } from './statement-kind.ts'
import { type LockedRelation, lockKey, type RelationState, readHeld, readRelations, readWal } from './trace-sql.ts'
import { type SeenLock, watchLocks } from './watch-locks.ts'

/** A statement of a file, by its place. */
export type StatementAt = { readonly sql: string; readonly line: number; readonly column: number }

/** A lock, and when it was held, by `performance.now()`. */
export type LockInterval = {
  readonly object: string
  readonly mode: LockMode
  readonly existed: boolean
  readonly since: number
  readonly until: number
  readonly line: number
}

/** Watches a migration's session: what each statement locks, writes, rewrites. It changes nothing. */
export interface Tracer extends AsyncDisposable {
  /** To be called while no transaction is open, before what is committed together. */
  beforeUnit(): Promise<void>
  /** Runs a statement and notes what it did. */
  statement(statement: StatementAt, run: () => Promise<void>): Promise<void>
  /** To be called when a transaction has ended. */
  transactionEnded(): void
  /** What was noted since the last call, and the locks, each with its time. */
  take(): { readonly statements: readonly TracedStatement[]; readonly locks: readonly LockInterval[] }
}

type Draft = Omit<TracedStatement, 'locks'> & { readonly locks: OpenLock[] }
type OpenLock = { oid: number; object: string; mode: LockMode; existed: boolean; since: number; until?: number }
type Written = Pick<LockedRelation, 'inserted' | 'updated' | 'deleted'>

/** Opens a second session beside the migration's own. Throws `database.failed`. */
export async function openTracer(session: MigrationSession): Promise<Tracer> {
  const observer = await session.database.connect({ readOnly: true, applicationName: 'greenlight trace' })
  const first = await readRelations(observer)
  return new SessionTracer(session, observer, first)
}

class SessionTracer implements Tracer {
  readonly #session: MigrationSession
  readonly #observer: Connection
  /** Relations as they were after the last statement. */
  readonly #known: Map<number, RelationState>
  readonly #existed: ReadonlySet<number>
  #wal: number
  #drafts: Draft[] = []
  /** Of the open transaction. */
  #held = new Map<string, OpenLock>()
  #written = new Map<number, Written>()

  constructor(
    session: MigrationSession,
    observer: Connection,
    { relations, wal }: { readonly relations: readonly RelationState[]; readonly wal: number },
  ) {
    this.#session = session
    this.#observer = observer
    this.#known = new Map(relations.map((relation) => [relation.oid, relation]))
    this.#existed = new Set(this.#known.keys())
    this.#wal = wal
  }

  async beforeUnit(): Promise<void> {
    this.#wal = await readWal(this.#observer)
  }

  async statement({ sql, line, column }: StatementAt, run: () => Promise<void>): Promise<void> {
    const started = performance.now()
    const watch = watchLocks(this.#observer, this.#session.pid)
    let seen: ReadonlyMap<string, SeenLock> = new Map()
    let milliseconds = 0
    try {
      await run()
    } finally {
      milliseconds = performance.now() - started
      seen = await watch.stop()
      this.#drafts.push({ line, column, milliseconds: tenths(milliseconds), walBytes: 0, sizeBytes: 0, locks: [] })
    }
    const state = this.#session.state()
    if (state === 'open') {
      if (takesSomething(sql)) await this.#noteHeld(sql, started, seen)
    } else if (this.#held.size > 0 || this.#written.size > 0) this.transactionEnded()
    else if (state === 'idle' && takesSomething(sql)) await this.#noteAlone(started, started + milliseconds, seen)
  }

  /** What the transaction has come to hold, seen from inside it. */
  async #noteHeld(sql: string, started: number, seen: ReadonlyMap<string, SeenLock>): Promise<void> {
    const { relations, wal } = await readHeld(this.#session.connection)
    const locks: OpenLock[] = []
    for (const { oid, state, modes } of relations) {
      const object = state?.name ?? this.#known.get(oid)?.name
      if (object === undefined) continue
      const added = modes.filter((mode) => mode !== 'ACCESS SHARE' && !this.#held.has(lockKey(oid, mode)))
      for (const mode of added) {
        const since = seen.get(lockKey(oid, mode))?.since ?? started
        this.#held.set(lockKey(oid, mode), { oid, object, mode, existed: this.#existed.has(oid), since })
      }
      const strongest = added.sort((one, other) => strength(other) - strength(one))[0]
      const lock = strongest === undefined ? undefined : this.#held.get(lockKey(oid, strongest))
      if (lock) locks.push(lock)
    }
    this.#release(new Set(relations.flatMap(({ oid, modes }) => modes.map((mode) => lockKey(oid, mode)))))
    const rows = relations.flatMap((relation) => this.#rowsOf(relation))
    const changed = relations.map(({ oid, state }) => ({ oid, state }))
    this.#note({ locks, rows, wal, changed, truncates: plainSql(sql).startsWith('truncate') })
  }

  /** Going back to a savepoint gives back what was locked since. */
  #release(still: ReadonlySet<string>): void {
    for (const [key, lock] of this.#held) {
      if (still.has(key)) continue
      lock.until = performance.now()
      this.#held.delete(key)
    }
  }

  /** A statement that ran outside of a transaction: its locks are gone, so that only long ones were seen. */
  async #noteAlone(started: number, ended: number, seen: ReadonlyMap<string, SeenLock>): Promise<void> {
    const { relations, wal } = await readRelations(this.#observer)
    const now = new Map(relations.map((relation) => [relation.oid, relation]))
    const locks = [...seen].flatMap(([key, { since, gone }]): OpenLock[] => {
      const [oid, mode] = [Number(key.split(':')[0]), key.split(':')[1] as LockMode]
      const object = now.get(oid)?.name ?? this.#known.get(oid)?.name
      if (object === undefined || mode === 'ACCESS SHARE') return []
      return [
        { oid, object, mode, existed: this.#existed.has(oid), since: Math.max(since, started), until: gone ?? ended },
      ]
    })
    const gone = [...this.#known.keys()].filter((oid) => !now.has(oid)).map((oid) => ({ oid, state: undefined }))
    const changed = [...gone, ...relations.map((state) => ({ oid: state.oid, state }))]
    this.#note({ locks, rows: [], wal, changed, truncates: false })
  }

  #note(seen: {
    readonly locks: OpenLock[]
    readonly rows: readonly TableRows[]
    readonly wal: number
    readonly changed: readonly { readonly oid: number; readonly state: RelationState | undefined }[]
    readonly truncates: boolean
  }): void {
    const rewrites: string[] = []
    let sizeBytes = 0
    for (const { oid, state } of seen.changed) {
      const was = this.#known.get(oid)
      sizeBytes += (state?.bytes ?? 0) - (was?.bytes ?? 0)
      const isTable = state?.kind === 'r' || state?.kind === 'm'
      if (isTable && was && was.filenode !== state.filenode && this.#existed.has(oid) && !seen.truncates)
        rewrites.push(state.name)
      if (state) this.#known.set(oid, state)
      else this.#known.delete(oid)
    }
    const last = this.#drafts.pop()
    if (last === undefined) return
    this.#drafts.push({
      ...last,
      locks: seen.locks,
      ...(seen.rows.length > 0
        ? { rows: [...seen.rows].sort((one, other) => compareText(one.table, other.table)) }
        : {}),
      ...(rewrites.length > 0 ? { rewrites: rewrites.sort(compareText) } : {}),
      walBytes: Math.max(0, seen.wal - this.#wal),
      sizeBytes,
    })
    this.#wal = seen.wal
  }

  /** Rows written since the statement before; Postgres counts for the whole transaction. */
  #rowsOf({ oid, state, inserted, updated, deleted }: LockedRelation): TableRows[] {
    if (state === undefined) return []
    const was = this.#written.get(oid) ?? { inserted: 0, updated: 0, deleted: 0 }
    this.#written.set(oid, { inserted, updated, deleted })
    const rows = {
      table: state.name,
      inserted: inserted - was.inserted,
      updated: updated - was.updated,
      deleted: deleted - was.deleted,
    }
    return rows.inserted + rows.updated + rows.deleted > 0 ? [rows] : []
  }

  transactionEnded(): void {
    const now = performance.now()
    for (const lock of this.#held.values()) lock.until = now
    this.#held = new Map()
    this.#written = new Map()
  }

  take(): { readonly statements: readonly TracedStatement[]; readonly locks: readonly LockInterval[] } {
    const now = performance.now()
    const drafts = this.#drafts
    this.#drafts = []
    const locks = drafts.flatMap(({ line, locks: taken }) =>
      taken.map(({ object, mode, existed, since, until = now }) => ({ object, mode, existed, since, until, line })),
    )
    const statements = drafts.map(({ locks: taken, ...draft }) => ({
      ...draft,
      ...(taken.length > 0 ? { locks: taken.map((lock) => takenLock(lock, now)).sort(byStrength) } : {}),
    }))
    return { statements, locks }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#observer.end()
  }
}

/** SET and the like take no lock and write nothing; LOCK does. After BEGIN a query would fix the isolation level. */
function takesSomething(sql: string): boolean {
  return transactionControl(sql) === undefined && (!leavesNothing(sql) || plainSql(sql).startsWith('lock'))
}

function takenLock({ object, mode, existed, since, until }: OpenLock, now: number): TakenLock {
  return { object, mode, existed, heldMs: tenths((until ?? now) - since) }
}

function byStrength(one: TakenLock, other: TakenLock): number {
  return strength(other.mode) - strength(one.mode) || compareText(one.object, other.object)
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}
