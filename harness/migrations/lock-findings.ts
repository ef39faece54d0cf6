import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type {
  AppliedMigration,
  MigrationFile,
  MigrationRun,
  TakenLock,
  TracedStatement,
} from '../model/migration-run.ts'
import { blocksReads, blocksWrites, strength } from './lock-modes.ts'
import { compareText } from './order.ts'
import type { TableSize } from './table-sizes.ts'

/** Longest time in milliseconds that users may be kept from a table, where the config says nothing else. */
export const defaultMaxBlock = 1_000

export type LockOptions = {
  /** Milliseconds. */
  readonly maxBlock: number
  /** Of production before the migrations. */
  readonly sizes: ReadonlyMap<string, TableSize>
}

type Taken = { readonly migration: AppliedMigration; readonly statement: TracedStatement; readonly lock: TakenLock }

/**
 * Locks on what was there before that kept users out for longer than allowed, by the longest of each object and
 * migration. A lock that stops reads stops writes, too, and is said once. What was held for a short time is no alarm.
 */
export function findingsOfLocks(
  run: MigrationRun,
  files: readonly MigrationFile[],
  options: LockOptions,
): readonly Finding[] {
  const taken = blocking(run).filter(({ lock }) => lock.heldMs > options.maxBlock)
  const groups = Map.groupBy(taken, ({ migration, lock }) => `${migration.name}\n${lock.object}\n${kindOf(lock)}`)
  const reads = new Set([...groups.keys()].filter((key) => key.endsWith('lock.blocks-reads')))
  return [...groups]
    .filter(([key, group]) => {
      const other = key.replace(/lock\.blocks-writes$/, 'lock.blocks-reads')
      if (other === key || !reads.has(other)) return true
      // The stronger lock is said; the weaker one besides only where it began clearly earlier.
      return longest(group) > longest(groups.get(other) ?? []) + options.maxBlock
    })
    .flatMap(([, group]) => findingOf(group, files, options))
    .sort(
      (one, other) => compareText(one.object, other.object) || compareText(one.migration ?? '', other.migration ?? ''),
    )
}

function kindOf({ mode }: TakenLock): 'lock.blocks-reads' | 'lock.blocks-writes' {
  return blocksReads(mode) ? 'lock.blocks-reads' : 'lock.blocks-writes'
}

function longest(group: readonly Taken[]): number {
  return Math.max(0, ...group.map(({ lock }) => lock.heldMs))
}

function blocking({ migrations }: MigrationRun): readonly Taken[] {
  return migrations.flatMap((migration) =>
    (migration.trace ?? []).flatMap((statement) =>
      (statement.locks ?? [])
        .filter(({ existed, mode }) => existed && blocksWrites(mode))
        .map((lock) => ({ migration, statement, lock })),
    ),
  )
}

function findingOf(
  group: readonly Taken[],
  files: readonly MigrationFile[],
  { maxBlock, sizes }: LockOptions,
): readonly Finding[] {
  const worst = group.toSorted((one, other) => other.lock.heldMs - one.lock.heldMs)[0]
  if (worst === undefined) return []
  const { migration, statement, lock } = worst
  const file = files.find(({ name }) => name === migration.name)
  const what = blocksReads(lock.mode) ? 'reads and writes' : 'writes'
  const place = `${migration.name}:${statement.line}`
  const own = statement.milliseconds >= lock.heldMs / 2
  const slowest = own ? statement : slowestOf(migration, statement)
  return [
    {
      kind: kindOf(lock),
      object: lock.object,
      title: `${what === 'writes' ? 'Writes to' : 'Reads and writes of'} ${lock.object} stand still for ${seconds(lock.heldMs)}, from line ${statement.line} of ${migration.name} until its transaction ends`,
      evidence: [
        `${place} takes ${lock.mode}, which stops ${what}; allowed are ${seconds(maxBlock)}.`,
        own
          ? `The statement itself runs for ${seconds(statement.milliseconds)}.`
          : `The statement itself runs for ${seconds(statement.milliseconds)}; the longest after it, in line ${slowest.line}, for ${seconds(slowest.milliseconds)}.`,
        ...(statement.rewrites?.includes(lock.object) ? [`Every row of ${lock.object} is written anew.`] : []),
        ...sizeNote(sizes.get(lock.object), lock),
      ],
      migration: migration.name,
      ...(file ? { where: { file: file.path, line: statement.line, column: statement.column } } : {}),
      ...(own
        ? {}
        : { fix: 'Take the lock in a migration of its own, so that it is gone before the long work begins.' }),
    },
  ]
}

/** The longest statement that ran while the lock was held. */
function slowestOf({ trace = [] }: AppliedMigration, from: TracedStatement): TracedStatement {
  return trace
    .slice(trace.indexOf(from))
    .reduce((slowest, statement) => (statement.milliseconds > slowest.milliseconds ? statement : slowest), from)
}

function sizeNote(size: TableSize | undefined, { heldMs }: TakenLock): readonly string[] {
  if (size === undefined) return []
  const rows = Math.round(size.rows).toLocaleString('en')
  return [
    `Here it has about ${rows} rows (${megabytes(size.bytes)}). Work on its rows takes ten times as long on a table ten times as large: about ${seconds(heldMs * 10)}.`,
  ]
}

/** The check `performance.locks`: how long the strongest locks on existing tables were held. */
export function checksOfLocks(run: MigrationRun, { maxBlock }: Pick<LockOptions, 'maxBlock'>): readonly Check[] {
  const check = {
    id: 'performance.locks',
    metric: 'performance',
    title: 'Locks of the migrations timed',
    required: true,
  } as const
  const traced = run.migrations.filter(({ trace }) => trace !== undefined)
  if (traced.length === 0) return [{ ...check, status: 'not run', reason: 'No migration was traced.' }]
  const statements = traced.flatMap(({ trace = [] }) => trace)
  const locks = blocking(run)
  const top = locks.toSorted(
    (one, other) => other.lock.heldMs - one.lock.heldMs || strength(other.lock.mode) - strength(one.lock.mode),
  )[0]
  const over = locks.filter(({ lock }) => lock.heldMs > maxBlock).length
  const summary =
    top === undefined
      ? `${statements.length} statements took no lock on an existing table that stops users.`
      : `${statements.length} statements; the longest lock that stops users was held for ${seconds(top.lock.heldMs)}, on ${top.lock.object} (${top.lock.mode}, ${top.migration.name}:${top.statement.line}).`
  return [
    {
      ...check,
      status: over > 0 ? 'failed' : 'passed',
      summary,
      numbers: {
        statements: statements.length,
        locks: locks.length,
        longestMs: top?.lock.heldMs ?? 0,
        rewrites: statements.flatMap(({ rewrites = [] }) => rewrites).length,
        walBytes: statements.reduce((sum, { walBytes }) => sum + walBytes, 0),
      },
    },
  ]
}

/** `0.3 s`, or `12 ms` below a tenth of a second. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 100) return `${Math.round(milliseconds)} ms`
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function megabytes(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`
}
