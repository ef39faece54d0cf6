import type { RowLayout } from './layout.ts'

/** Rows of one kind: how many, and the key hashes (8 bytes, latin1) of the first of them. */
export type Tally = { count: number; readonly hashes: string[] }

/** As many keys as a finding keeps; one more tells that there are more. */
export const keysKept = 10_000

/** A value of `from` that its row now holds in `to`. `distinct`: up to two different values, to tell a move from a coincidence. */
export type Move = {
  readonly from: string
  readonly to: string
  readonly toAdded: boolean
  readonly bool: boolean
  readonly dropped: boolean
  readonly tally: Tally
  readonly distinct: Set<string>
}

const newTally = (): Tally => ({ count: 0, hashes: [] })

/** A text is made of the key of a record only while keys are kept: of millions of rows most are counted alone. */
function count(tally: Tally, record: Buffer): void {
  tally.count++
  if (tally.hashes.length < keysKept) tally.hashes.push(hashAt(record, 0))
}

const none: ReadonlySet<string> = new Set()

/** Collects what became of rows and values, bucket by bucket. Pure: buffers of hashes in, tallies out. */
export class RowComparison {
  readonly deleted = newTally()
  readonly inserted = newTally()
  readonly touched = newTally()
  /** Rows with a difference in any column but those that keep the time of the last change. */
  readonly rowsChanged = newTally()
  readonly touchedColumns = new Set<string>()
  readonly changed = new Map<string, Tally>()
  /** Values that changed places with those of other columns of their row. */
  readonly swapped = new Map<string, Tally>()
  readonly filled = new Map<string, Tally>()
  /** Values of columns that are gone and are nowhere else in their row. */
  readonly lost = new Map<string, Tally>()
  readonly moves = new Map<string, Move>()
  /** Records of rows without a partner, held back while rows are told by their content: an update looks like a deletion and an insertion. */
  readonly #unmatched = { before: [] as Buffer[], after: [] as Buffer[] }
  readonly #layout: RowLayout
  readonly #strict: number

  constructor(layout: RowLayout) {
    this.#layout = layout
    this.#strict = 8 * (layout.common.length + 1)
  }

  /** `before` and `after`: records of one bucket, each sorted by their bytes. */
  compare(before: Buffer, after: Buffer): void {
    const sizeBefore = 8 * (this.#layout.before.slots.length + 1)
    const sizeAfter = 8 * (this.#layout.after.slots.length + 1)
    let left = 0
    let right = 0
    while (left < before.length || right < after.length) {
      const order =
        left >= before.length ? 1 : right >= after.length ? -1 : before.compare(after, right, right + 8, left, left + 8)
      if (order < 0) this.#alone('before', before.subarray(left, left + sizeBefore))
      else if (order > 0) this.#alone('after', after.subarray(right, right + sizeAfter))
      else this.#pair(before.subarray(left, left + sizeBefore), after.subarray(right, right + sizeAfter))
      if (order <= 0) left += sizeBefore
      if (order >= 0) right += sizeAfter
    }
  }

  /** Matches rows told by content that differ in one column, then counts what is left. Call it once, at the end. */
  finish(): this {
    const { before, after } = this.#unmatched
    for (const omitted of this.#layout.common) {
      if (before.length === 0 || after.length === 0) break
      const rest = (record: Buffer) => {
        const parts = this.#layout.common.filter((column) => column !== omitted && !column.kept)
        return parts.map((column) => hashAt(record, column.strict)).join('')
      }
      const candidates = Map.groupBy(after, rest)
      const left = before.filter((record) => {
        const partner = candidates.get(rest(record))?.pop()
        if (!partner) return true
        after.splice(after.indexOf(partner), 1)
        this.#pair(record, partner)
        return false
      })
      before.splice(0, before.length, ...left)
    }
    for (const record of before.splice(0)) count(this.deleted, record)
    for (const record of after.splice(0)) count(this.inserted, record)
    return this
  }

  #alone(side: 'before' | 'after', record: Buffer): void {
    const held = this.#unmatched[side]
    if (!this.#layout.keyed && held.length < 5_000) held.push(Buffer.from(record))
    else count(side === 'before' ? this.deleted : this.inserted, record)
  }

  #pair(before: Buffer, after: Buffer): void {
    const { common, dropped } = this.#layout
    if (dropped.length === 0 && before.compare(after, 8, this.#strict, 8, this.#strict) === 0) return
    const changed = common.filter((column) => !same(before, column.strict, after, column.strict))
    // A time that is gone is no touch: no trigger writes NULL.
    const meant = changed.filter((column) => !column.kept || isNull(after, column.strict))
    if (meant.length > 0) count(this.rowsChanged, before)
    else if (changed.length > 0) {
      count(this.touched, before)
      for (const column of changed) this.touchedColumns.add(column.name)
    }
    const swapped = this.#swapped(meant, before, after)
    for (const column of meant) {
      if (isNull(before, column.strict)) this.#count(this.filled, column.name, before)
      else if (swapped.has(column.name)) this.#count(this.swapped, column.name, before)
      else if (!this.#moved(column, column.before, before, after, false)) this.#count(this.changed, column.name, before)
    }
    for (const column of dropped) {
      if (isNull(before, column.slot)) continue
      if (!this.#moved(column, column.slot, before, after, true)) this.#count(this.lost, column.name, before)
    }
  }

  /**
   * Columns whose values went round: each is in another of them, and none is lost. Nothing tells that from a mistake,
   * since every column that the app reads by its name now shows what another one did.
   */
  #swapped(changed: RowLayout['common'], before: Buffer, after: Buffer): ReadonlySet<string> {
    if (changed.length < 2) return none
    const { added } = this.#layout
    const full = changed.filter(
      (column) =>
        !isNull(before, column.before) && !added.some((other) => same(after, other.slot, before, column.before)),
    )
    const homes = new Map<string, string>()
    for (const column of full) {
      const home = full.find((other) => other !== column && same(after, other.after, before, column.before))
      if (home) homes.set(column.name, home.name)
    }
    if (homes.size < 2) return none
    const round = (start: string) => {
      const passed = new Set<string>()
      let at = homes.get(start)
      for (; at !== undefined && at !== start && !passed.has(at); at = homes.get(at)) passed.add(at)
      return at === start
    }
    return new Set(full.map(({ name }) => name).filter(round))
  }

  /** Looks for the value in a column that is new, or that did not hold it before. */
  #moved(
    column: { readonly name: string; readonly bool: boolean },
    slot: number,
    before: Buffer,
    after: Buffer,
    dropped: boolean,
  ): boolean {
    const { common, added } = this.#layout
    const home =
      added.find((other) => same(after, other.slot, before, slot)) ??
      common.find(
        (other) =>
          other.name !== column.name &&
          same(after, other.after, before, slot) &&
          !same(before, other.before, before, slot),
      )
    if (!home) return false
    const toAdded = 'slot' in home
    const to = toAdded ? home.name : home.nameAfter
    const pair = JSON.stringify([column.name, to])
    let move = this.moves.get(pair)
    if (!move) {
      move = { from: column.name, to, toAdded, bool: column.bool, dropped, tally: newTally(), distinct: new Set() }
      this.moves.set(pair, move)
    }
    count(move.tally, before)
    if (move.distinct.size < 2) move.distinct.add(hashAt(before, slot))
    return true
  }

  /** Takes a move back that turned out to be a coincidence: its values count as changed, or lost with their column. */
  disprove(move: Move): void {
    this.moves.delete(JSON.stringify([move.from, move.to]))
    const into = move.dropped ? this.lost : this.changed
    const tally = into.get(move.from) ?? newTally()
    tally.count += move.tally.count
    for (const hash of move.tally.hashes) if (tally.hashes.length < keysKept) tally.hashes.push(hash)
    into.set(move.from, tally)
  }

  #count(into: Map<string, Tally>, column: string, record: Buffer): void {
    let tally = into.get(column)
    if (!tally) {
      tally = newTally()
      into.set(column, tally)
    }
    count(tally, record)
  }
}

function same(one: Buffer, slot: number, other: Buffer, otherSlot: number): boolean {
  return (
    one.readInt32LE(slot * 8) === other.readInt32LE(otherSlot * 8) &&
    one.readInt32LE(slot * 8 + 4) === other.readInt32LE(otherSlot * 8 + 4)
  )
}

/** NULL is sent as eight zeros. */
function isNull(record: Buffer, slot: number): boolean {
  return record.readInt32LE(slot * 8) === 0 && record.readInt32LE(slot * 8 + 4) === 0
}

function hashAt(record: Buffer, slot: number): string {
  return record.toString('latin1', slot * 8, slot * 8 + 8)
}
