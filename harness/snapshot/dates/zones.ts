import type { Database } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { MigrationFile } from '../../model/migration-run.ts'

/** Time zones that sessions start in, and what of the schema is written by the clock on the wall. */
export type ZoneFacts = {
  readonly settings: readonly ZoneSetting[]
  /** `schema.table(column)` whose default is the time now, in a type without a zone. */
  readonly defaults: readonly string[]
  /** How many columns have a time without a zone. */
  readonly zoneless: number
}

/** `role` and `database` are undefined where the setting holds for all of them. */
type ZoneSetting = { readonly role?: string; readonly database?: string; readonly zone: string }

/** Roles whose sessions are the app's: requests, and the migrations' own. */
const zonedRoles = ['authenticator', 'anon', 'authenticated', 'service_role', 'postgres'] as const

/** On the platform every server runs in it. */
const platformZone = 'UTC'
/** The database's name in production, which migrations use. */
const production = 'postgres'

/** Reads the time zones that are set for databases and roles of the whole server. */
export async function takeZones(database: Database): Promise<ZoneFacts> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight dates' })
  const settings = await session.query<{ role: string | null; database: string | null; zone: string }>(
    `SELECT r.rolname AS role, d.datname AS database, split_part(setting, '=', 2) AS zone
     FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS setting
       LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
     WHERE setting ILIKE 'timezone=%' ORDER BY 1, 2`,
  )
  const columns = await session.query<{ schema: string; table: string; column: string; now: boolean }>(
    `SELECT n.nspname AS schema, c.relname AS table, a.attname AS column,
       coalesce(pg_get_expr(d.adbin, d.adrelid) ~* '\\m(now|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp|transaction_timestamp)\\M', false) AS now
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = ANY ('{timestamp,date,time}'::regtype[])
       AND n.nspname NOT IN ('auth', 'storage', 'realtime', 'cron', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
     ORDER BY 1, 2, 3`,
  )
  return {
    settings: settings.rows.map(({ role, database, zone }) => ({
      zone: /^(etc\/)?(utc|uct|gmt|universal|zulu)$/i.test(zone) ? platformZone : zone,
      ...(role === null ? {} : { role }),
      ...(database === null ? {} : { database }),
    })),
    defaults: columns.rows.flatMap(({ schema, table, column, now }) =>
      now ? [`${displayName(schema, table)}(${column})`] : [],
    ),
    zoneless: columns.rows.length,
  }
}

/** The zone in which the Data API reads and writes times that have none, in the database of this name. Pure. */
export function apiZone({ settings }: Pick<ZoneFacts, 'settings'>, database: string): string {
  const find = (role: string | undefined, name: string | undefined) =>
    settings.find((one) => one.role === role && one.database === name)?.zone
  return (
    find('authenticator', database) ?? find('authenticator', undefined) ?? find(undefined, database) ?? platformZone
  )
}

/**
 * Sessions that start in another time zone after the migrations. What has a zone is told with another offset and stays
 * the same moment; what has none, and what is written by the clock of the session, moves. Pure. `names`: the databases'.
 */
export function compareZones(
  before: ZoneFacts,
  after: ZoneFacts,
  names: { readonly before: string; readonly after: string },
  pending: readonly Pick<MigrationFile, 'name' | 'sql'>[],
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const findings = [undefined, ...zonedRoles].flatMap((role) => {
    const was = zoneOf(before, role, [production, names.before]) ?? platformZone
    const is = zoneOf(after, role, [production, names.after]) ?? platformZone
    return was === is ? [] : [finding(role, was, is, after, pending)]
  })
  const check: Check = {
    id: 'dates.zones',
    metric: 'data',
    title: 'Sessions start in the time zone in which they started',
    required: true,
    status: findings.length > 0 ? 'failed' : 'passed',
    summary: `The time zone of the database and of ${zonedRoles.length} roles compared: ${findings.length === 0 ? `${apiZone(before, names.before)} as before` : `${findings.length} changed`}.`,
    numbers: { zonesCompared: zonedRoles.length + 1, zonesChanged: findings.length },
  }
  return { findings, checks: [check] }
}

function finding(
  role: string | undefined,
  was: string,
  is: string,
  { zoneless, defaults }: ZoneFacts,
  pending: readonly Pick<MigrationFile, 'name' | 'sql'>[],
): Finding {
  // Settings belong to the server, so that no comparison of two states can tell who made them; the text can.
  const setters = pending.filter(({ sql }) => /\balter\s+(role|user|database)\b[^;]*\btime\s*zone\b/i.test(sql))
  const [migration] = setters
  return {
    kind: 'date.shifted',
    object: role ?? production,
    title: `Sessions of ${role === undefined ? 'the database' : `role ${role}`} start in the time zone ${is} instead of ${was}: whatever has no zone is read and written by another clock.`,
    evidence: [
      `${zoneless} columns have a date or a time without a zone.`,
      defaults.length === 0
        ? 'None of them has the time now as its default.'
        : `Written by the new clock, by their default: ${listed(defaults)}.`,
      'Days begin at another moment, too: current_date, now()::date and date_trunc in policies, views and functions.',
    ],
    ...(migration !== undefined && setters.length === 1 ? { migration: migration.name } : {}),
    fix: `alter ${role === undefined ? `database ${production}` : `role ${role}`} set timezone = '${was}';`,
  }
}

function zoneOf({ settings }: ZoneFacts, role: string | undefined, databases: readonly string[]): string | undefined {
  const own = settings.filter((one) => one.role === role)
  const named = databases.map((name) => own.find(({ database }) => database === name)).find((one) => one !== undefined)
  return (named ?? own.find(({ database }) => database === undefined))?.zone
}

const shown = 10

function listed(names: readonly string[]): string {
  const more = names.length - shown
  return `${names.slice(0, shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
