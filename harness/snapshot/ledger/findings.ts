import type { Finding, FindingKind, RowSet } from '../../model/finding.ts'
import type { LedgerTable } from './catalog.ts'
import { placeOf } from './declared-moves.ts'
import { keyLine } from './key-line.ts'
import type { Side } from './layout.ts'
import type { Ledger, Rows, TableOutcome, WholeTable } from './outcome.ts'

/** Says a ledger in words: one finding for each table, kind and column. */
export function ledgerFindings(ledger: Ledger): readonly Finding[] {
  return [
    ...ledger.dropped.filter(({ rows }) => rows.count > 0).map(droppedTable),
    ...ledger.tables.flatMap(tableFindings),
    ...ledger.created.filter(({ rows }) => rows.count > 0).map(createdTable),
  ]
}

function droppedTable({ table, rows }: WholeTable): Finding {
  return {
    kind: 'data.rows-deleted',
    object: table.object,
    title: `${table.object} is gone, and with it ${rowsOf(rows.count)}.`,
    evidence: [`${count(rows.count)} before; the table does not exist after.`, ...keyLine(rows, table, table.keys[0])],
    rows: rowSet('before', table, table.keys[0], rows),
  }
}

function createdTable({ table, rows }: WholeTable): Finding {
  return {
    kind: 'data.rows-inserted',
    object: table.object,
    title: `${table.object} is new and has ${rowsOf(rows.count)}.`,
    evidence: keyLine(rows, table, table.keys[0]),
    rows: rowSet('after', table, table.keys[0], rows),
  }
}

function tableFindings(outcome: TableOutcome): readonly Finding[] {
  const { pair, rows } = outcome
  const object = pair.before.object
  const renamed = pair.after.object === object ? [] : [`The table is called ${pair.after.object} after.`]
  const make = (
    kind: FindingKind,
    side: Side,
    found: Rows,
    title: string,
    columns: readonly string[],
    extra: readonly string[] = [],
  ): Finding => ({
    kind,
    object,
    ...(columns.length > 0 ? { columns } : {}),
    title,
    evidence: [...extra, ...renamed, ...keyLine(found, pair[side], pair.key?.[side])],
    rows: rowSet(side, pair[side], pair.key?.[side], found),
  })
  const totals = `${rowsOf(rows.before)} before, ${rowsOf(rows.after)} after.`
  const byContent = pair.key ? [] : ['No key names a row of this table on both sides: rows were told by their content.']
  const findings: Finding[] = []
  const { deleted, inserted, touched } = outcome
  if (deleted.count > 0) {
    findings.push(
      make(
        'data.rows-deleted',
        'before',
        deleted,
        `${rowsOf(deleted.count)} of ${object} ${were(deleted.count)} deleted.`,
        [],
        [totals, ...byContent],
      ),
    )
  }
  for (const found of outcome.changed) {
    findings.push(
      make(
        'data.values-changed',
        'before',
        found,
        `${rowsOf(found.count)} of ${object} lost ${their(found.count)} value in column ${found.column}.`,
        [found.column],
        [`The old value is in no other column of the row. ${totals}`, ...typeLine(outcome, found.column)],
      ),
    )
  }
  for (const found of outcome.swapped) {
    findings.push(
      make(
        'data.values-changed',
        'before',
        found,
        `${rowsOf(found.count)} of ${object} had ${their(found.count)} value in column ${found.column} swapped with another column's.`,
        [found.column],
        [`Columns that changed places: ${outcome.swapped.map(({ column }) => column).join(', ')}. ${totals}`],
      ),
    )
  }
  for (const found of outcome.lost) {
    findings.push(
      make(
        'data.column-lost',
        'before',
        found,
        `Column ${found.column} of ${object} is gone, and with it ${count(found.count)} value${found.count === 1 ? '' : 's'}.`,
        [found.column],
        ['The values are in no other column of their rows.', ...declaredLine(outcome, found.column)],
      ),
    )
  }
  for (const found of outcome.elsewhere) {
    if (found.count === 0) continue
    findings.push(
      make(
        'data.values-moved',
        'before',
        found,
        `${count(found.count)} value${found.count === 1 ? '' : 's'} of ${object}(${found.column}) ${found.count === 1 ? 'is' : 'are'} in ${placeOf(found.move.to)} now, as the migration declares.`,
        [found.column],
        [`Found by ${found.move.by.join(', ')}: the key of the row that each came from.`],
      ),
    )
  }
  for (const found of outcome.moved) {
    findings.push(
      make(
        'data.values-moved',
        'after',
        found,
        `${rowsOf(found.count)} of ${object} ${found.count === 1 ? 'has' : 'have'} the value of column ${found.column} in column ${found.to} now.`,
        [found.column, found.to],
      ),
    )
  }
  for (const found of outcome.filled) {
    findings.push(
      make(
        'data.values-filled',
        'after',
        found,
        `${rowsOf(found.count)} of ${object} got a value in column ${found.column}, where ${found.count === 1 ? 'it' : 'they'} had none.`,
        [found.column],
      ),
    )
  }
  if (touched.count > 0) {
    findings.push(
      make(
        'data.rows-touched',
        'after',
        touched,
        `${rowsOf(touched.count)} of ${object} ${were(touched.count)} touched: only the time of the last change is new.`,
        touched.columns,
      ),
    )
  }
  if (inserted.count > 0) {
    findings.push(
      make(
        'data.rows-inserted',
        'after',
        inserted,
        `${rowsOf(inserted.count)} of ${object} ${were(inserted.count)} added.`,
        [],
        [totals, ...byContent],
      ),
    )
  }
  return findings
}

function declaredLine({ elsewhere }: TableOutcome, column: string): readonly string[] {
  const followed = elsewhere.find((one) => one.column === column)
  return followed ? [`Nor in ${placeOf(followed.move.to)}, where the migration says that they go.`] : []
}

function typeLine({ pair }: TableOutcome, column: string): readonly string[] {
  const found = pair.common.find((columns) => columns.before.name === column)
  if (!found || found.before.type === found.after.type) return []
  return [`The column's type changed from ${found.before.type} to ${found.after.type}.`]
}

function rowSet(side: Side, table: LedgerTable, key: readonly string[] | undefined, rows: Rows): RowSet {
  return {
    side,
    table: table.object,
    keyColumns: key ?? [],
    keys: rows.keys,
    complete: key !== undefined && rows.keys.length === rows.count,
  }
}

export const count = (number: number) => number.toLocaleString('en-US')
export const rowsOf = (number: number) => `${count(number)} row${number === 1 ? '' : 's'}`
const were = (number: number) => (number === 1 ? 'was' : 'were')
const their = (number: number) => (number === 1 ? 'its' : 'their')
