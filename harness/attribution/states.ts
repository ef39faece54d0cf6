import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import { HarnessError } from '../errors.ts'
import { applyMigrations } from '../migrations/apply.ts'
import { withoutRoles } from '../migrations/cluster-wide.ts'
import type { MigrationFile } from '../model/migration-run.ts'

/** Databases with the first so many migrations applied, made when they are asked for. Disposal drops them. */
export interface States extends AsyncDisposable {
  /** The state after `count` migrations; 0 is before, all of them is after. */
  at(count: number): Promise<Database>
  /** Drops a state that is needed no more; it is made anew when it is asked for again. */
  release(count: number): Promise<void>
}

export function states(from: {
  readonly before: Database
  readonly after: Database
  readonly pending: readonly MigrationFile[]
  readonly record: boolean
  readonly clone: Cloner
  readonly signal: AbortSignal
}): States {
  const { before, after, pending, record, clone, signal } = from
  const made = new Map<number, Database>([
    [0, before],
    [pending.length, after],
  ])
  return {
    async at(count) {
      const known = made.get(count)
      if (known !== undefined) return known
      const base = Math.max(...[...made.keys()].filter((key) => key < count))
      const state = await clone(made.get(base) ?? before)
      made.set(count, state)
      const run = await applyMigrations(state, pending.slice(base, count).map(withoutRoles), { signal, record })
      const failed = run.migrations.find(({ status }) => status !== 'applied')
      if (failed === undefined) return state
      throw new HarnessError(
        'database.failed',
        `${failed.name} applied once and does not apply again on another clone: it depends on something outside of the database.`,
      )
    },
    async release(count) {
      const state = made.get(count)
      if (state === undefined || state === before || state === after) return
      made.delete(count)
      await state.drop()
    },
    async [Symbol.asyncDispose]() {
      for (const state of made.values()) if (state !== before && state !== after) await state.drop()
    },
  }
}
