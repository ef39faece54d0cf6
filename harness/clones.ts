import type { Database } from './database/engine.ts'

/** Makes clones under names of their own: `clone_1`, `clone_2` … Nothing ever writes to `before` and `after` themselves. */
export type Cloner = (of: Database) => Promise<Database>

export function cloner(prefix = 'clone'): Cloner {
  let made = 0
  return (of) => of.clone(`${prefix}_${++made}`)
}
