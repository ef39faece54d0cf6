import { HarnessError } from '../errors.ts'
import type { Dump } from './dump.ts'

/**
 * Throws `dump.newer-server` when the dump comes from a newer major version than the server that is to take it
 * (`serverVersionNum`: 170010). Needs no server: call it before one is started.
 */
export function checkServerVersion(dump: Dump, serverVersionNum: number): void {
  const [from, to] = [Math.floor(dump.serverVersionNum / 10_000), Math.floor(serverVersionNum / 10_000)]
  if (from <= to) return
  throw new HarnessError(
    'dump.newer-server',
    `${dump.facts.path} was taken from PostgreSQL ${dump.facts.serverVersion}, the rehearsal's server is ${to}: it lacks what ${from} may have used. ` +
      `Use an engine with PostgreSQL ${from} or newer.`,
    { facts: { path: dump.facts.path, dumped: dump.facts.serverVersion, server: to } },
  )
}
