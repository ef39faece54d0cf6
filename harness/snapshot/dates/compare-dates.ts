import type { Database } from '../../database/engine.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { count, rowsOf } from '../ledger/findings.ts'
import { dateFindings } from './findings.ts'
import { type DateFacts, type DateOptions, takeDates } from './take.ts'

/**
 * Whether every date and time of the app means after what it meant before: all columns of dates and times of all tables
 * on both sides, all rows, matched by their keys. Reads only. Throws `aborted`, and what Postgres says.
 */
export async function compareDates(
  before: Database,
  after: Database,
  options: DateOptions = {},
): Promise<{ readonly findings: readonly Finding[]; readonly checks: readonly Check[] }> {
  const facts = await takeDates(before, after, options)
  const findings = dateFindings(facts)
  return { findings, checks: [checkOf(facts, findings)] }
}

function checkOf({ zone, tables }: DateFacts, findings: readonly Finding[]): Check {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const numbers = {
    dateTables: tables.length,
    dateColumns: sum(tables.map(({ table }) => table.columns.length)),
    dateRows: sum(tables.map(({ rows }) => rows.before)),
    datesCompared: sum(tables.map(({ rows, table }) => rows.before * table.columns.length)),
    columnsShifted: findings.length,
    datesUnreadable: sum(tables.map(({ unreadable }) => unreadable.after)),
  }
  const unpaired = sum(tables.map(({ unpaired }) => Math.max(unpaired.before, unpaired.after)))
  const said = [
    numbers.dateColumns === 0
      ? 'No table has a column with a date or a time.'
      : `${count(numbers.dateColumns)} columns of dates and times of ${count(numbers.dateTables)} tables compared in every row: ` +
        `${findings.length === 0 ? 'none moved' : `${findings.length} moved`}.`,
    ...(zone === 'UTC' ? [] : [`Times without a zone were read in the zone of the Data API, ${zone}.`]),
    ...(unpaired > 0 ? [`${rowsOf(unpaired)} came, went or changed their key: the ledger tells of them.`] : []),
    ...(numbers.datesUnreadable > 0
      ? [
          `${count(numbers.datesUnreadable)} values are no date for JavaScript (infinity, before the year 1, after 9999).`,
        ]
      : []),
  ]
  return {
    id: 'dates.instants',
    metric: 'data',
    title: 'Every date and time still means the same moment',
    required: true,
    status: findings.length > 0 ? 'failed' : 'passed',
    summary: said.join(' '),
    numbers,
  }
}
