import type { LedgerTable } from './catalog.ts'
import type { ElsewhereRows } from './declared-moves.ts'
import type { Side, TablePair } from './layout.ts'

/** What the ledger found out: data that is complete, compared and without a row value; `findings.ts` says it in words. */
export type Ledger = {
  readonly tables: readonly TableOutcome[]
  readonly dropped: readonly WholeTable[]
  readonly created: readonly WholeTable[]
}

/** A table that only one side has. */
export type WholeTable = { readonly table: LedgerTable; readonly rows: Rows }

export type TableOutcome = {
  readonly pair: TablePair
  readonly rows: Readonly<Record<Side, number>>
  readonly equal: boolean
  readonly deleted: Rows
  readonly inserted: Rows
  readonly touched: Rows & { readonly columns: readonly string[] }
  /** Rows with any difference but a touch. */
  readonly rowsChanged: number
  readonly changed: readonly ColumnRows[]
  readonly swapped: readonly ColumnRows[]
  readonly filled: readonly ColumnRows[]
  readonly lost: readonly ColumnRows[]
  readonly moved: readonly (ColumnRows & { readonly to: string })[]
  /** Values of columns that are gone, found in the other table that the migration names. */
  readonly elsewhere: readonly ElsewhereRows[]
}

type ColumnRows = Rows & { readonly column: string }

/** Rows on one side: how many, and the keys (texts, one for each key column) of up to 10,000 of them, sorted. */
export type Rows = { readonly count: number; readonly keys: readonly (readonly string[])[] }

export const noRows: Rows = { count: 0, keys: [] }

/** By number where both are whole numbers, else by code unit. */
export function compareKeys(left: readonly string[], right: readonly string[]): number {
  for (let index = 0; index < left.length; index++) {
    const a = left[index] ?? ''
    const b = right[index] ?? ''
    if (a === b) continue
    if (whole.test(a) && whole.test(b)) return BigInt(a) < BigInt(b) ? -1 : 1
    return a < b ? -1 : 1
  }
  return 0
}

const whole = /^-?\d{1,30}$/
