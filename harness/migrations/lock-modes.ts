import type { LockMode } from '../model/migration-run.ts'

/** Table locks of Postgres from the weakest to the strongest, by their names in `pg_locks`. */
const modes: Readonly<Record<string, LockMode>> = {
  AccessShareLock: 'ACCESS SHARE',
  RowShareLock: 'ROW SHARE',
  RowExclusiveLock: 'ROW EXCLUSIVE',
  ShareUpdateExclusiveLock: 'SHARE UPDATE EXCLUSIVE',
  ShareLock: 'SHARE',
  ShareRowExclusiveLock: 'SHARE ROW EXCLUSIVE',
  ExclusiveLock: 'EXCLUSIVE',
  AccessExclusiveLock: 'ACCESS EXCLUSIVE',
}
const ranks = new Map(Object.values(modes).map((mode, rank) => [mode, rank]))

/** The mode that `pg_locks` calls `name`; `undefined` for those that are not about tables. */
export function lockMode(name: string): LockMode | undefined {
  return modes[name]
}

/** From 0 (ACCESS SHARE) to 7 (ACCESS EXCLUSIVE). */
export function strength(mode: LockMode): number {
  return ranks.get(mode) ?? 0
}

/** SELECT waits for it. */
export function blocksReads(mode: LockMode): boolean {
  return mode === 'ACCESS EXCLUSIVE'
}

/** INSERT, UPDATE and DELETE wait for it. */
export function blocksWrites(mode: LockMode): boolean {
  return strength(mode) >= strength('SHARE')
}
