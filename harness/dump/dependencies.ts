import type { DumpData, TocEntry } from './dump.ts'

/** A piece of work of the parallel phase: the rows of a table, something to build, or several small things at once. */
export type Task = {
  /** In the order of the table of contents. */
  readonly entries: readonly TocEntry[]
  /** Ids of entries of other tasks that must be done before. */
  readonly needs: ReadonlySet<number>
  /** Tables, as entry ids, that it locks against everyone, and those that it touches in any way. */
  readonly locks: ReadonlySet<number>
  readonly touches: ReadonlySet<number>
  /** Bytes of rows in the archive behind it: the largest are begun first. */
  readonly weight: number
}

/** Below this many bytes of rows, the round trips cost more than what they ask for. */
const smallBytes = 1 << 20

/**
 * Pure. The dependencies of the archive say what objects need; for parallel work some more is true: an index or a
 * constraint waits for the rows of its table, a foreign key for the rows of all tables (a partitioned table's rows
 * are its partitions', which the archive does not tell), and two tasks never lock the same table at once.
 * What is built on one small table is one task.
 */
export function planTasks(entries: readonly TocEntry[], data: Pick<DumpData, 'bytes'>): Task[] {
  const inPhase = new Set(entries.map((entry) => entry.id))
  const rows = entries.filter((entry) => entry.type === 'TABLE DATA')
  const rowsOf = new Map(rows.flatMap((entry) => entry.dependencies.map((table) => [table, entry.id])))
  const single = entries.map((entry): Task => {
    const built = entry.section === 'post-data'
    const needs = new Set(entry.dependencies.map((id) => (built ? (rowsOf.get(id) ?? id) : id)))
    if (entry.type === 'FK CONSTRAINT') for (const { id } of rows) needs.add(id)
    const weights = built ? entry.dependencies.map((id) => data.bytes(rowsOf.get(id) ?? id)) : [data.bytes(entry.id)]
    const touches = new Set(built || entry.type === 'TABLE DATA' ? entry.dependencies : [])
    return {
      entries: [entry],
      needs: new Set([...needs].filter((id) => id !== entry.id && inPhase.has(id))),
      touches,
      // CREATE INDEX lets others build on the same table beside it; everything else alters the table.
      locks: built && entry.type !== 'INDEX' ? touches : new Set<number>(),
      weight: Math.max(0, ...weights),
    }
  })
  const groups = Object.values(Object.groupBy(single, (task) => groupOf(task, inPhase)))
  return groups.filter((group) => group !== undefined).map(merge)
}

/** Groups never need each other in a circle: rows, then what one table needs, then partitions' indexes, then foreign keys. */
function groupOf({ entries: [entry], weight }: Task, inPhase: ReadonlySet<number>): string {
  if (!entry) return ''
  const alone = `${entry.id}`
  if (weight >= smallBytes) return alone
  switch (entry.type) {
    case 'INDEX':
    case 'CONSTRAINT': {
      const table = entry.dependencies.find((id) => !inPhase.has(id))
      return table === undefined ? alone : `table ${table}`
    }
    case 'INDEX ATTACH':
    case 'FK CONSTRAINT':
    case 'SEQUENCE SET':
      return entry.type
    default:
      return alone
  }
}

function merge(tasks: readonly Task[]): Task {
  const own = new Set(tasks.flatMap((task) => task.entries.map((entry) => entry.id)))
  return {
    entries: tasks.flatMap((task) => task.entries),
    needs: new Set(tasks.flatMap((task) => [...task.needs])).difference(own),
    locks: new Set(tasks.flatMap((task) => [...task.locks])),
    touches: new Set(tasks.flatMap((task) => [...task.touches])),
    weight: Math.max(...tasks.map((task) => task.weight)),
  }
}

/** Pure: whether both can run at the same time. */
export function conflict(a: Task, b: Task): boolean {
  return !a.locks.isDisjointFrom(b.touches) || !b.locks.isDisjointFrom(a.touches)
}
