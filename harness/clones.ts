import type { Database } from './database/engine.ts'

/** Makes clones under names of their own: `clone_1`, `clone_2` … Nothing ever writes to `before` and `after` themselves. */
export type Cloner = (of: Database) => Promise<Database>

export function cloner(prefix = 'clone'): Cloner {
  let made = 0
  return (of) => of.clone(`${prefix}_${++made}`)
}

/** A cloner that ends nobody's session. Disposal drops what it makes its clones of. */
export type Untouched = AsyncDisposable & { readonly clone: Cloner }

/**
 * Clones of these databases while others read them: Postgres copies only a database that nobody is connected to, so one
 * copy of each is kept to which nobody ever connects.
 */
export async function untouchedCopies(originals: readonly Database[]): Promise<Untouched> {
  const clone = cloner()
  const copies = new Map<string, Database>()
  for (const one of originals) copies.set(one.name, await one.clone(`${one.name}_untouched`))
  return {
    clone: (of) => clone(copies.get(of.name) ?? of),
    async [Symbol.asyncDispose]() {
      for (const copy of copies.values()) await copy.drop()
    },
  }
}
