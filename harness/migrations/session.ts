import type { Database } from '../database/engine.ts'
import { openWatchedSession, type WatchedSession, type WatchedSessionOptions } from '../database/watched-session.ts'

export type MigrationSession = WatchedSession

/** Opens the session that migrations run in: a login of role postgres, which is no superuser, as on the platform. */
export function openSession(
  database: Database,
  options: Pick<WatchedSessionOptions, 'signal' | 'statementTimeout'>,
): Promise<MigrationSession> {
  const step = 'applying the migrations'
  return openWatchedSession(database, { ...options, role: 'postgres', applicationName: 'greenlight migrations', step })
}
