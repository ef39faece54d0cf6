import { type Cut, isOffset, type Movement } from './movement.ts'

/** What became of the values of one column, over all rows that are on both sides. */
export type ColumnTally = {
  /** Rows whose value differs in any way but by being empty on one side. */
  changed: number
  /** By how much, in microseconds, and how many rows; at most `kinds` of them, the first met. */
  readonly moved: Map<bigint, number>
  /** Rows beyond those: moved by yet other spans. */
  scattered: number
  readonly cut: Map<Cut, number>
  /** By how many days the day in UTC moved, where it did. */
  readonly days: Map<bigint, number>
  other: number
  /** Key hashes of the first rows that moved. */
  readonly hashes: bigint[]
}

const kinds = 5_000
const hashesKept = 20

export function newTally(): ColumnTally {
  return { changed: 0, moved: new Map(), scattered: 0, cut: new Map(), days: new Map(), other: 0, hashes: [] }
}

export function count(tally: ColumnTally, movement: Movement, hash: bigint): void {
  if (movement.type === 'same') return
  tally.changed++
  if (movement.type === 'other') {
    tally.other++
    return
  }
  const { by, cut, days } = movement
  if (tally.hashes.length < hashesKept) tally.hashes.push(hash)
  if (cut !== undefined) add(tally.cut, cut)
  if (days !== 0n) add(tally.days, days)
  if (tally.moved.has(by) || tally.moved.size < kinds) add(tally.moved, by)
  else tally.scattered++
}

function add<Key>(into: Map<Key, number>, key: Key): void {
  into.set(key, (into.get(key) ?? 0) + 1)
}

export type Shift =
  /** Most common first. */
  | { readonly type: 'moved'; readonly rows: number; readonly by: readonly (readonly [by: bigint, rows: number])[] }
  | { readonly type: 'day'; readonly rows: number; readonly by: readonly (readonly [days: bigint, rows: number])[] }
  | { readonly type: 'cut'; readonly rows: number; readonly what: Cut }

/** Spans that a zone moves the most of a column by: standard and summer time, and what it had in other years. */
const offsetsOfAZone = 4
/** So many rows moved alike are no edits by hand, however many the table has. */
const manyRows = 20

/**
 * Whether the column as a whole was moved, and how; undefined where single values were edited, which the ledger tells.
 * `values`: rows that have a value. `retyped`: the conversion did it, however few the rows. `toDay`: it is a day now. Pure.
 */
export function shiftOf(
  tally: ColumnTally,
  values: number,
  { retyped, toDay }: { readonly retyped: boolean; readonly toDay: boolean },
): Shift | undefined {
  const moved = [...tally.moved].sort(byRows)
  const rows = moved.reduce((sum, [, own]) => sum + own, tally.scattered)
  if (rows === 0) return undefined
  const cutRows = [...tally.cut.values()].reduce((sum, own) => sum + own, 0)
  if (retyped) {
    if (toDay && tally.days.size > 0) return { type: 'day', rows: total(tally.days), by: [...tally.days].sort(byRows) }
    const isCut = cutRows === rows && (toDay || !moved.every(([by]) => isOffset(by)))
    return isCut ? { type: 'cut', rows, what: mostCommon(tally.cut) } : { type: 'moved', rows, by: moved }
  }
  const offsets = moved.filter(([by]) => isOffset(by)).slice(0, offsetsOfAZone)
  const alike = offsets.reduce((sum, [, own]) => sum + own, 0)
  const isSystematic = (own: number) =>
    own >= 2 && (own * 2 >= values || (own >= manyRows && own * 10 >= tally.changed * 9))
  // Whole days stand for midnight somewhere: there a wrong zone explains more than a lost time of day.
  const fine = cutRows - (tally.cut.get('time of day') ?? 0)
  if (isSystematic(alike) && alike >= cutRows && fine < alike) return { type: 'moved', rows: alike, by: offsets }
  if (isSystematic(cutRows)) return { type: 'cut', rows: cutRows, what: mostCommon(tally.cut) }
  return undefined
}

function mostCommon(cut: ReadonlyMap<Cut, number>): Cut {
  return [...cut].sort(byRows)[0]?.[0] ?? 'fractions of a second'
}

const total = (map: ReadonlyMap<bigint, number>) => [...map.values()].reduce((sum, own) => sum + own, 0)

/** Most rows first, then by the key, so that equal numbers have one order. */
function byRows<Key extends bigint | string>(left: readonly [Key, number], right: readonly [Key, number]): number {
  return right[1] - left[1] || (left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0)
}
