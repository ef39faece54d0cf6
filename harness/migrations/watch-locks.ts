import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from '../database/engine.ts'
import { readLocksOf } from './trace-sql.ts'

const every = 25

/** When a lock was taken, by `performance.now()`; `gone` when it was seen to be released while the statement ran. */
export type SeenLock = { readonly since: number; readonly gone?: number }

/**
 * Looks from `observer` which table locks the session `pid` has, every 25 ms while a statement runs: a statement may
 * take a lock late (in a DO block, a function), or release it before it ends. A statement that is quick is never looked at.
 */
export function watchLocks(observer: Connection, pid: number): { stop(): Promise<ReadonlyMap<string, SeenLock>> } {
  const seen = new Map<string, SeenLock>()
  const ended = new AbortController()
  const watching = (async () => {
    let last = performance.now()
    while (!ended.signal.aborted) {
      await wait(every, undefined, { signal: ended.signal })
      const asked = performance.now()
      const now = new Set(await readLocksOf(observer, pid))
      for (const key of now) if (!seen.has(key)) seen.set(key, { since: last })
      for (const [key, lock] of seen)
        if (!now.has(key) && lock.gone === undefined) seen.set(key, { ...lock, gone: asked })
      last = asked
    }
  })().catch(() => {
    // The statement ended, or the server did; then the statement tells.
  })
  return {
    async stop() {
      ended.abort()
      await watching
      return seen
    },
  }
}
