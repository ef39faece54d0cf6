import type { LedgerCatalog, LedgerColumn } from '../ledger/catalog.ts'
import { planLedger, type TablePair } from '../ledger/layout.ts'

/** What a column tells: a moment, a day or a time of day, one of them or several. */
export type Moment = { readonly base: MomentBase; readonly shape: 'single' | 'array' | 'range' | 'multirange' }
export type MomentBase = 'date' | 'timestamp' | 'timestamptz' | 'time' | 'timetz'

/** A column that holds moments on both sides; on one of them they may be written as text. */
export type DatePair = {
  readonly before: LedgerColumn
  readonly after: LedgerColumn
  readonly reads: { readonly before: Moment | 'text'; readonly after: Moment | 'text' }
  /** True when the two types are not the same one: every difference is then the conversion's doing. */
  readonly retyped: boolean
}

export type DateTable = { readonly pair: TablePair; readonly columns: readonly DatePair[] }

/** Tables of both sides, renamed ones too, with their columns of dates and times. Pure. */
export function planDates(before: LedgerCatalog, after: LedgerCatalog): readonly DateTable[] {
  return planLedger(before, after)
    .pairs.map((pair) => ({ pair, columns: pair.common.flatMap(({ before, after }) => datePair(before, after)) }))
    .filter(({ columns }) => columns.length > 0)
}

function datePair(before: LedgerColumn, after: LedgerColumn): readonly DatePair[] {
  const was = momentOf(before)
  const is = momentOf(after)
  const retyped = before.base !== after.base
  if (was !== undefined && is !== undefined) {
    // A day and a time of day have no moment in common: what became of the values is the ledger's to tell.
    const kindred = was.shape === is.shape && isOfDay(was.base) === isOfDay(is.base)
    return kindred ? [{ before, after, reads: { before: was, after: is }, retyped }] : []
  }
  if (was?.shape === 'single' && isText(after) && !isOfDay(was.base))
    return [{ before, after, reads: { before: was, after: 'text' }, retyped }]
  if (is?.shape === 'single' && isText(before) && !isOfDay(is.base))
    return [{ before, after, reads: { before: 'text', after: is }, retyped }]
  return []
}

/** The moment that a column tells by its type; undefined for any other column. */
export function momentOf(column: Pick<LedgerColumn, 'base' | 'builtIn'>): Moment | undefined {
  return column.builtIn ? types.get(column.base) : undefined
}

export const isOfDay = (base: MomentBase) => base === 'time' || base === 'timetz'

const isText = (column: LedgerColumn) => column.builtIn && (column.base === 'text' || column.base === 'varchar')

const types: ReadonlyMap<string, Moment> = new Map<string, Moment>([
  ...(['date', 'timestamp', 'timestamptz', 'time', 'timetz'] as const).flatMap((base) => [
    [base, { base, shape: 'single' }] as const,
    [`_${base}`, { base, shape: 'array' }] as const,
  ]),
  ...([['date', 'date'] as const, ['ts', 'timestamp'] as const, ['tstz', 'timestamptz'] as const] as const).flatMap(
    ([prefix, base]) => [
      [`${prefix}range`, { base, shape: 'range' }] as const,
      [`${prefix}multirange`, { base, shape: 'multirange' }] as const,
    ],
  ),
])
