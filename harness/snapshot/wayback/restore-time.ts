import type { Database } from '../../database/engine.ts'
import { displayName, qualified, quoteIdentifier } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { RestoreRun } from '../../model/restore-run.ts'
import { ledgerSchema } from '../ledger/schemas.ts'

/** Rows that production gets: those made in the last seven days of the dump, by table. */
export type Pace = {
  readonly tables: readonly { readonly object: string; readonly rows: number }[]
  readonly hours: number
}

const hoursInAWeek = 7 * 24

/** In bytes, packed. Of a smaller backup most of the time goes to what does not grow with it. */
const leastToProject = 10e6

/** Counts rows by the time that they were made, up to the newest of them: what an hour after the backup is worth. */
export async function takePace(database: Database): Promise<Pace> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight pace' })
  await session.query('set row_security = off; set jit = off')
  const { rows: columns } = await session.query<{ schema: string; name: string; column: string }>(
    `select distinct on (c.oid) n.nspname as schema, c.relname as name, a.attname as column
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
       and a.attname in ('created_at', 'inserted_at', 'sent_at') and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype)
     order by c.oid, a.attname`,
  )
  const own = columns.filter(({ schema }) => ledgerSchema(schema))
  if (own.length === 0) return { tables: [], hours: hoursInAWeek }
  const union = (part: (table: string, column: string, index: number) => string) =>
    own
      .map(({ schema, name, column }, index) =>
        part(qualified(schema, name), `${quoteIdentifier(column)}::timestamptz`, index),
      )
      .join(' union all ')
  const { rows } = await session.query<{ place: number; rows: number }>(
    `with newest as (select max(at) as at from (${union((table, column) => `select max(${column}) as at from ${table} where ${column} <= now()`)}) as all_of_them)
     ${union((table, column, index) => `select ${index} as place, count(*)::float8 as rows from ${table}, newest where ${column} > newest.at - interval '7 days' and ${column} <= newest.at`)}`,
  )
  const tables = rows.flatMap(({ place, rows: made }) => {
    const table = own[place]
    return table && made > 0 ? [{ object: displayName(table.schema, table.name), rows: made }] : []
  })
  return {
    tables: tables.sort((one, other) => other.rows - one.rows || (one.object < other.object ? -1 : 1)),
    hours: hoursInAWeek,
  }
}

/**
 * The last way back: the backup. That it restores, and in which time, this run has shown; larger backups take longer in
 * proportion. What is written after it is lost: a warning, where it is the only way back. Pure.
 */
export function restoreTime(
  run: RestoreRun,
  pace: Pace,
  isOnlyWay: boolean,
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const seconds = run.milliseconds / 1_000
  const bytes = run.dump.bytes
  const rows = run.tables.reduce((sum, { rowsLoaded }) => sum + rowsLoaded, 0)
  const weekly = pace.tables.reduce((sum, table) => sum + table.rows, 0)
  const hourly = weekly / pace.hours
  const secondsFor = (gigabytes: number) => (seconds / bytes) * gigabytes * 1e9
  const isTelling = bytes >= leastToProject
  const projection = isTelling
    ? `at this pace ${[1, 10, 100].map((size) => `${size} GB in about ${duration(secondsFor(size))}`).join(', ')}`
    : 'the backup is too small to tell from how long a large one takes'
  const perHour = rate(hourly)
  const summary =
    `The backup (${(bytes / 1e6).toFixed(1)} MB packed, ${rows.toLocaleString('en-US')} rows) was restored here in ${duration(seconds)}; ` +
    `${projection}. What is written after it is lost: ${perHour}.`
  const check: Check = {
    id: 'rollback.restore',
    metric: 'data',
    title: 'The backup restores, and how long it takes',
    status: 'passed',
    required: false,
    summary,
    numbers: {
      restoreSeconds: Math.round(seconds * 10) / 10,
      dumpBytes: bytes,
      rowsRestored: rows,
      rowsPerHour: Math.round(hourly * 10) / 10,
      ...(isTelling ? { secondsFor10GB: Math.round(secondsFor(10)) } : {}),
    },
  }
  if (!isOnlyWay) return { findings: [], checks: [check] }
  return {
    findings: [
      {
        kind: 'rollback.loses-new-data',
        object: 'backup',
        title: `Without rollback scripts the only way back is the backup, and with it all is lost that is written after it: ${perHour}.`,
        evidence: [
          `Restored here in ${duration(seconds)}; ${projection}.`,
          ...pace.tables
            .slice(0, 5)
            .map(
              ({ object, rows: made }) =>
                `${object}: ${made.toLocaleString('en-US')} rows in the last seven days of the dump`,
            ),
        ],
        fix: 'Write a rollback script for each migration, or take the backup at the last moment and stop writes until the deploy is judged.',
      },
    ],
    checks: [check],
  }
}

function rate(hourly: number): string {
  if (hourly === 0) return 'the dump shows no new rows in its last seven days'
  if (hourly >= 1)
    return `about ${Math.round(hourly).toLocaleString('en-US')} rows for each hour, as in the last seven days of the dump`
  return `about ${Math.max(1, Math.round(hourly * 24))} rows a day, as in the last seven days of the dump`
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}
