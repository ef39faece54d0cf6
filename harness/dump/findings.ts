import { displayName } from '../database/identifiers.ts'
import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { EntryFate, MaskingRun, RestoredEntry, RestoreRun } from '../model/restore-run.ts'

/** Pure: what a reader should know of a restore. In the order of the table of contents, grouped by kind. */
export function findingsOfRestore(run: RestoreRun): Finding[] {
  return [
    ...run.entries.filter(({ fate }) => fate === 'failed').map(entryFailed),
    ...run.entries.filter(({ fate }) => fate === 'refused').map(entryRefused),
    ...missingRows(run),
    ...otherServer(run),
    ...brokenReferences(run),
    ...(run.notInDump ?? []).map((note): Finding => ({ kind: 'restore.not-in-dump', ...note })),
    ...run.extensions.flatMap((extension): Finding[] =>
      extension.mode === 'stub'
        ? [
            {
              kind: 'restore.extension-stubbed',
              object: extension.name,
              title: `Extension ${extension.name} is a stub here: ${extension.note ?? 'its objects are there and do nothing.'}`,
              evidence: [
                'The server of the rehearsal lacks the real one; a stand-in with the same objects was created.',
              ],
            },
          ]
        : [],
    ),
    ...run.rolesCreated.map(
      (role): Finding => ({
        kind: 'restore.role-created',
        object: role,
        title: `Role ${role} is named by the dump but not defined in it: it was made without login and without members.`,
        evidence: [
          'An archive of one database holds no roles. What the role may do through its memberships is not rehearsed.',
        ],
      }),
    ),
  ]
}

/** Pure: the checks of the restore, all required: what was not restored was not rehearsed. */
export function checksOfRestore(run: RestoreRun): Check[] {
  const count = (fate: EntryFate) => run.entries.filter((entry) => entry.fate === fate).length
  const [restored, stubbed, refused, failed] = [count('restored'), count('stubbed'), count('refused'), count('failed')]
  const rows = run.tables.reduce((sum, table) => sum + table.rowsLoaded, 0)
  const short = run.tables.filter((table) => table.rowsLoaded !== table.rowsInArchive).length
  return [
    {
      id: 'restore.entries',
      metric: 'data',
      title: 'Every entry of the dump restored or accounted for',
      required: true,
      status: refused + failed === 0 ? 'passed' : 'failed',
      summary: `Of ${format(run.entries.length)} entries ${format(restored)} are restored, ${stubbed} stubbed, ${refused} refused, ${failed} failed.`,
      numbers: { entries: run.entries.length, restored, stubbed, refused, failed },
    },
    {
      id: 'restore.rows',
      metric: 'data',
      title: 'Every row of the dump counted into the copy',
      required: true,
      status: short === 0 ? 'passed' : 'failed',
      summary:
        short === 0
          ? `${format(rows)} rows of ${run.tables.length} tables are loaded, as many as the dump holds.`
          : `${short} of ${run.tables.length} tables do not hold the rows of the dump.`,
      numbers: { rowsLoaded: rows, tables: run.tables.length, tablesShort: short },
    },
    ...(run.masking === undefined ? [] : [masked(run.masking)]),
  ]
}

function masked({ columns, key }: MaskingRun): Check {
  const values = columns.reduce((sum, column) => sum + column.values, 0)
  const own = columns.filter((column) => column.values > 0).length
  return {
    id: 'restore.masked',
    metric: 'data',
    title: 'Personal data masked on its way into the copy',
    required: true,
    status: 'passed',
    summary: `${format(values)} values of ${own} columns are masked, under a ${key === 'random' ? 'key that went with this run' : 'key from the environment'}.`,
    numbers: { values, columns: own },
  }
}

function entryFailed(entry: RestoredEntry): Finding {
  return {
    kind: 'restore.entry-failed',
    object: objectOf(entry),
    title: `${entry.type} ${objectOf(entry)} could not be restored: ${entry.reason ?? 'no reason given'}`,
    evidence: [`Entry ${entry.id} of the dump, owner ${entry.owner || 'none'}.`],
  }
}

function entryRefused(entry: RestoredEntry): Finding {
  return {
    kind: 'restore.entry-refused',
    object: objectOf(entry),
    title: `${entry.type} ${objectOf(entry)} is not in the copy. ${entry.reason ?? ''}`.trimEnd(),
    evidence: [`Entry ${entry.id} of the dump, owner ${entry.owner || 'none'}.`],
  }
}

/** Of one major version, minor ones differ in mended faults alone. */
function otherServer({ dump, serverVersion }: RestoreRun): Finding[] {
  const [from, on] = [dump.serverVersion, serverVersion].map((version) => Number.parseInt(version, 10))
  // A script without its head does not say where it comes from.
  if (Number.isNaN(from) || from === on) return []
  return [
    {
      kind: 'restore.newer-server',
      object: dump.database,
      title: `Production ran on PostgreSQL ${dump.serverVersion} when it was dumped, the rehearsal runs on ${serverVersion}.`,
      evidence: ['What a statement locks, how a query is planned, and what a syntax means may differ between the two.'],
    },
  ]
}

function missingRows(run: RestoreRun): Finding[] {
  return run.tables
    .filter((table) => table.rowsLoaded !== table.rowsInArchive)
    .map((table) => ({
      kind: 'restore.rows-missing',
      object: displayName(table.schema, table.name),
      title: `${format(table.rowsLoaded)} of ${format(table.rowsInArchive)} rows of ${displayName(table.schema, table.name)} were loaded.`,
      evidence: [`Rows in the dump: ${table.rowsInArchive}.`, `Rows in the copy: ${table.rowsLoaded}.`],
    }))
}

function brokenReferences({ brokenReferences = [] }: RestoreRun): Finding[] {
  return brokenReferences.map(({ schema, table, constraint, rows }) => ({
    kind: 'restore.references-broken',
    object: displayName(schema, table),
    title: `${rows === 1 ? '1 row' : `${format(rows)} rows`} of ${displayName(schema, table)} ${rows === 1 ? 'refers' : 'refer'} to rows that are not in the dump.`,
    evidence: [`Foreign key ${constraint}. The rows are in the copy, as in the dump: it loads them unchecked.`],
  }))
}

function objectOf(entry: RestoredEntry): string {
  return entry.schema === undefined ? entry.name : `${entry.schema}.${entry.name}`
}

function format(count: number): string {
  return count.toLocaleString('en')
}
