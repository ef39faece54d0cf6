import type { DataBlock, TocEntry } from './dump.ts'

/** A piece of work of the parallel phase. */
export type Task = {
  readonly entry: TocEntry
  /** Ids of the tasks that must be done before. */
  readonly needs: ReadonlySet<number>
  /** Tables, as entry ids, that it locks against everyone, and those that it touches in any way. */
  readonly locks: ReadonlySet<number>
  readonly touches: ReadonlySet<number>
  /** Bytes of rows in the archive behind it: the largest are begun first. */
  readonly weight: number
}

/**
 * Pure. The dependencies of the archive say what objects need; for parallel work some more is true: an index or a
 * constraint waits for the rows of its table, a foreign key for the rows of all tables (a partitioned table's rows
 * are its partitions', which the archive does not tell), and two of them never lock the same table at once.
 */
export function planTasks(entries: readonly TocEntry[], blocks: ReadonlyMap<number, DataBlock>): Task[] {
  const inPhase = new Set(entries.map((entry) => entry.id))
  const rows = entries.filter((entry) => entry.type === 'TABLE DATA')
  const rowsOf = new Map(rows.flatMap((entry) => entry.dependencies.map((table) => [table, entry.id])))
  const bytes = (id: number) => {
    const block = blocks.get(id)
    return block ? block.end - block.start : 0
  }
  return entries.map((entry) => {
    const built = entry.section === 'post-data'
    const needs = new Set(entry.dependencies.map((id) => (built ? (rowsOf.get(id) ?? id) : id)))
    if (entry.type === 'FK CONSTRAINT') for (const { id } of rows) needs.add(id)
    const weights = built ? entry.dependencies.map((id) => bytes(rowsOf.get(id) ?? id)) : [bytes(entry.id)]
    const touches = new Set(built || entry.type === 'TABLE DATA' ? entry.dependencies : [])
    return {
      entry,
      needs: new Set([...needs].filter((id) => id !== entry.id && inPhase.has(id))),
      touches,
      // CREATE INDEX lets others build on the same table beside it; everything else alters the table.
      locks: built && entry.type !== 'INDEX' ? touches : new Set<number>(),
      weight: Math.max(0, ...weights),
    }
  })
}

/** Pure: whether both can run at the same time. */
export function conflict(a: Task, b: Task): boolean {
  return !a.locks.isDisjointFrom(b.touches) || !b.locks.isDisjointFrom(a.touches)
}
