import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import { type LoginsOf, loginDifferences, loginsOn } from '../login-stage.ts'
import type { Finding } from '../model/finding.ts'
import { type AuthWrites, probeAuthWrites } from '../snapshot/logins/auth-writes.ts'
import { compareLogins } from '../snapshot/logins/compare.ts'
import { compareAuthWrites } from '../snapshot/logins/compare-auth-writes.ts'
import type { LoginFacts } from '../snapshot/logins/facts.ts'
import type { SideLogins } from '../snapshot/logins/real/outcome.ts'
import { takeLogins } from '../snapshot/logins/take.ts'
import { partsOf } from './finding-key.ts'

/** A kind of comparison that can be made between any two states. */
export type Family = {
  readonly sees: (kind: string) => boolean
  look(from: Database, to: Database, sought: readonly string[]): Promise<readonly Finding[]>
}

/** Comparisons of logins: by reading, by writing what Auth writes, and by logging those in whose logins differed. */
export function loginFamilies({
  logins,
  clone,
  signal,
}: {
  readonly logins: LoginsOf
  readonly clone: Cloner
  readonly signal: AbortSignal
}): readonly Family[] {
  const read = remembered<LoginFacts>((database) => takeLogins(database, { signal }))
  const written = remembered<AuthWrites>(async (database) => {
    await using copy = await clone(database)
    return await probeAuthWrites(copy)
  })
  const loggedIn = remembered<SideLogins>((database) => loginsOn(database, logins, { clone, signal }))
  const isTried = logins.users.length + logins.canaries.length > 0
  return [
    {
      sees: (kind) => kind.startsWith('auth.'),
      look: async (from, to) => compareLogins(await read(from), await read(to)).findings,
    },
    {
      sees: (kind) => kind === 'auth.login-fails' || kind === 'auth.signup-fails',
      // What has a column is seen by reading.
      look: async (from, to, sought) =>
        sought.some((key) => partsOf(key).columns === '')
          ? compareAuthWrites(await written(from), await written(to)).findings
          : [],
    },
    {
      sees: (kind) => isTried && (kind.startsWith('auth.') || kind === 'access.rows-lost'),
      look: async (from, to, sought) =>
        sought.some((key) => partsOf(key).columns === '' || partsOf(key).kind === 'auth.claims-changed')
          ? loginDifferences({ before: from, after: to }, logins, await loggedIn(from), await loggedIn(to))
          : [],
    },
  ]
}

/** Takes it once for each state. */
export function remembered<T>(take: (database: Database) => Promise<T>): (database: Database) => Promise<T> {
  const known = new Map<string, Promise<T>>()
  return (database) => {
    const taken = known.get(database.name) ?? take(database)
    known.set(database.name, taken)
    return taken
  }
}
