import { HarnessError } from '../errors.ts'
import type { Dump } from './dump.ts'

/**
 * Throws `dump.not-supported` for a dump of a part of a database (`pg_dump -n public`, another database than the
 * project's): without its users there is nobody to log in or to read, and most stages would have nothing to look at.
 */
export function checkWholeDatabase({ facts, entries, missing }: Dump): void {
  if (missing) return
  if (entries.some(({ type, schema, name }) => type === 'TABLE' && schema === 'auth' && name === 'users')) return
  const schemas = [...new Set(entries.filter(({ type }) => type === 'TABLE').map(({ schema }) => schema))].sort()
  throw new HarnessError(
    'dump.not-supported',
    `${facts.path} has no table auth.users, so it is not the whole database of a Supabase project: ${
      schemas.length === 0 ? 'it has no tables at all' : `its tables are in ${schemas.join(', ')}`
    }. Take it without -n, -t and the like: pg_dump -Fc -f production.dump "$DATABASE_URL".`,
    { facts: { path: facts.path, database: facts.database } },
  )
}
