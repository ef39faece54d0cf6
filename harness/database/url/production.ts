import type { Connection } from '../engine.ts'
import type { ServerAddress } from './address.ts'

/** What a server tells of its use, without a look into anybody's data. */
export type ServerUse = {
  /** Sessions of other clients. */
  readonly sessions: number
  /** Of the largest database. */
  readonly bytes: number
  /** In all databases, since the server's statistics began. */
  readonly commits: number
}

const largeBytes = 2 ** 30
const manyCommits = 100_000
const productionWord = /(^|[^a-z])(prod|production|live)([^a-z]|$)/i
const platformHost = /\.(supabase\.(co|com|red)|pooler\.supabase\.com)$/i

export async function takeUse(session: Connection): Promise<ServerUse> {
  const { rows } = await session.query(`
    SELECT (SELECT count(*)::int FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
               AND application_name NOT LIKE 'greenlight%') AS sessions,
           (SELECT coalesce(max(pg_database_size(oid)), 0)::float8 FROM pg_database WHERE NOT datistemplate) AS bytes,
           (SELECT coalesce(sum(xact_commit), 0)::float8 FROM pg_stat_database) AS commits`)
  return rows[0]
}

/** Whether the team's own list names this host: nothing overrides that. */
export function isListed({ host }: ServerAddress, hosts: readonly string[]): boolean {
  return hosts.some((listed) => listed.toLowerCase() === host.toLowerCase())
}

/** Why a server looks like production, in words that end a sentence "… because"; none for one that does not. Pure. */
export function signsOfProduction({ host, database }: ServerAddress, use: ServerUse): readonly string[] {
  return [
    ...(productionWord.test(host) ? [`its host is called ${host}`] : []),
    ...(platformHost.test(host) ? [`${host} is a project of the platform`] : []),
    ...(productionWord.test(database) ? [`its database is called ${database}`] : []),
    ...(use.bytes >= largeBytes ? [`it has a database of ${(use.bytes / 2 ** 30).toFixed(1)} GiB`] : []),
    ...(use.sessions > 0
      ? [`${use.sessions} other ${use.sessions === 1 ? 'client is' : 'clients are'} connected`]
      : []),
    ...(use.commits >= manyCommits ? [`${use.commits.toLocaleString('en')} transactions were committed on it`] : []),
  ]
}
