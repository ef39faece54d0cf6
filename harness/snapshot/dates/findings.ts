import type { Finding } from '../../model/finding.ts'
import { count, rowsOf } from '../ledger/findings.ts'
import { keyLine } from '../ledger/key-line.ts'
import { sayOffset } from './movement.ts'
import type { DateColumnFacts, DateFacts, DateTableFacts } from './take.ts'
import { type Shift, shiftOf } from './tally.ts'

const spansShown = 6

/** Says what moved in words: one finding for each column that moved, and for each end that comes before its start now. Pure. */
export function dateFindings(facts: DateFacts): readonly Finding[] {
  return facts.tables.flatMap((table) => {
    const shifted = table.columns.flatMap((column) => columnFinding(table, column, facts.zone))
    const told = new Set(shifted.flatMap(({ columns }) => columns ?? []))
    return [...shifted, ...orderFindings(table, told)]
  })
}

function columnFinding({ table }: DateTableFacts, column: DateColumnFacts, zone: string): readonly Finding[] {
  const { before, after, reads, retyped } = column.pair
  const toDay = reads.after !== 'text' && reads.after.base === 'date'
  const shift = shiftOf(column.tally, column.values, { retyped, toDay })
  if (shift === undefined) return []
  const { object } = table.pair.before
  const renamed = table.pair.after.object === object ? [] : [`The table is called ${table.pair.after.object} after.`]
  const zoneless = [reads.before, reads.after].some((read) => read !== 'text' && read.base === 'timestamp')
  return [
    {
      kind: 'date.shifted',
      object,
      columns: [before.name],
      title: `${titleOf(shift)} in column ${before.name} of ${object}.`,
      evidence: [
        ...linesOf(shift),
        `${rowsOf(column.values)} have a value there; ${count(column.tally.changed)} differ.`,
        ...(before.type === after.type ? [] : [`The column's type changed from ${before.type} to ${after.type}.`]),
        ...(before.name === after.name ? [] : [`The column is called ${after.name} after.`]),
        ...renamed,
        ...(retyped && zoneless
          ? [`A time without a zone was read in ${zone}, the zone in which the Data API tells it.`]
          : []),
        ...keyLine({ count: shift.rows, keys: column.keys }, table.pair.before, table.pair.key?.before),
      ],
      ...fixOf(object, column, shift, zone),
    },
  ]
}

function fixOf(object: string, { pair }: DateColumnFacts, shift: Shift, zone: string): Pick<Finding, 'fix'> {
  const bases = [pair.before.base, pair.after.base]
  if (shift.type !== 'moved' || !bases.includes('timestamp') || !bases.includes('timestamptz')) return {}
  const { name } = pair.before
  return {
    fix: `alter table ${object} alter column ${name} type ${pair.after.base} using ${name} at time zone '${zone}';`,
  }
}

function titleOf(shift: Shift): string {
  const rows = rowsOf(shift.rows)
  switch (shift.type) {
    case 'cut':
      return `${rows} lost ${shift.rows === 1 ? 'its' : 'their'} ${shift.what}`
    case 'day':
      return `${rows} ${shift.rows === 1 ? 'is' : 'are'} on another day`
    case 'moved': {
      const [first, second] = shift.by
      if (first === undefined) return `${rows} moved`
      if (shift.by.length > 2) return `${rows} moved, ${count(first[1])} of them by ${sayOffset(first[0])},`
      const also = second === undefined ? '' : ` and ${rowsOf(second[1])} by ${sayOffset(second[0])}`
      return `${rowsOf(first[1])} moved by ${sayOffset(first[0])}${also}`
    }
  }
}

function linesOf(shift: Shift): readonly string[] {
  if (shift.type === 'cut') return []
  const say = (by: bigint) => (shift.type === 'day' ? sayDays(by) : `by ${sayOffset(by)}`)
  const shown = shift.by.slice(0, spansShown).map(([by, rows]) => `${rowsOf(rows)} ${say(by)}`)
  const rest = shift.rows - shift.by.slice(0, spansShown).reduce((sum, [, rows]) => sum + rows, 0)
  return [`${shown.join(', ')}${rest > 0 ? `, ${count(rest)} by other spans` : ''}.`]
}

function sayDays(by: bigint): string {
  const size = by < 0n ? -by : by
  return `${size === 1n ? 'a day' : `${size} days`} ${by < 0n ? 'earlier' : 'later'}`
}

/** An order that held before and does not hold any more, where no shift of its columns says why. */
function orderFindings({ table, orders }: DateTableFacts, told: ReadonlySet<string>): readonly Finding[] {
  return orders.flatMap(({ start, end, wrong }): Finding[] => {
    if (wrong.after <= wrong.before || wrong.before > 0 || told.has(start.before.name) || told.has(end.before.name))
      return []
    const { object } = table.pair.before
    return [
      {
        kind: 'date.shifted',
        object,
        columns: [end.before.name],
        title: `${rowsOf(wrong.after)} of ${object} ${wrong.after === 1 ? 'ends' : 'end'} before ${wrong.after === 1 ? 'it starts' : 'they start'}: ${end.after.name} is before ${start.after.name}.`,
        evidence: [
          'No row did before.',
          `select * from ${table.pair.after.object} where ${start.after.name} > ${end.after.name};`,
        ],
      },
    ]
  })
}
