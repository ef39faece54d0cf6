import { type RowSetName, rowSets } from '../facts.ts'
import { maskOf } from '../probe-sql.ts'
import { type Made, noTotal, type Person, type Side, type Total, type Totals } from './side.ts'

/** Users whose rows of a set are others than before, among the rows that are on both sides. */
export type TableChange = {
  readonly set: RowSetName
  readonly direction: 'gained' | 'lost'
  /** How many users; at least so many where `exact` is false. */
  readonly users: number
  /** Different rows over those users whose rows were read; at least so many where `exact` is false. */
  readonly rows: number
  readonly exact: boolean
  /** A few of them, from those with most rows concerned to those with fewest. */
  readonly witnesses: readonly string[]
}

/** Rows read on both sides, over all users that differ. */
const mostRead = 400_000
const mostWitnesses = 6

type Found = { readonly rows: Set<number>; readonly users: { id: string; rows: number }[]; certain: number }
type Sides = readonly { readonly side: Side }[]

/**
 * Who gained and who lost rows. Users with equal numbers and hashes on both sides differ in nothing. Of the others the rows
 * are read and compared, those with few rows first; for those above the limit the numbers alone decide: who has more rows
 * than before has gained some, who has fewer has lost some, and who has as many but others has done both.
 */
export async function changesOf(
  sides: Sides,
  made: readonly Made[],
  totals: readonly Totals[],
  sets: readonly RowSetName[],
  everyone: readonly Person[],
): Promise<TableChange[]> {
  const [old, now] = totals
  if (old === undefined || now === undefined) return []
  const differing = everyone.flatMap(({ id }, n) => {
    const [was, is] = [old.get(n) ?? nothing, now.get(n) ?? nothing]
    const others = sets.filter((set) => !isSame(was[set], is[set]))
    return others.length === 0 ? [] : [{ id, n, was, is, read: was.seen.commonCount + is.seen.commonCount }]
  })
  differing.sort((a, b) => a.read - b.read || a.n - b.n)
  let left = mostRead
  const read = differing.filter((user) => {
    left -= user.read
    return left >= 0
  })
  const numbers = read.map(({ n }) => n)
  const places = new Map<string, number>()
  const [before = new Map(), after = new Map()] =
    numbers.length === 0
      ? []
      : await Promise.all(
          sides.map(async ({ side }, index) => {
            const own = made[index]
            if (own === undefined) throw new TypeError('Each side has its tables.')
            return await side.rowsOf(own, numbers, places)
          }),
        )
  const found = new Map<string, Found>()
  const of = (set: RowSetName, direction: 'gained' | 'lost'): Found => {
    const key = `${set} ${direction}`
    const known = found.get(key) ?? { rows: new Set(), users: [], certain: 0 }
    found.set(key, known)
    return known
  }
  for (const { id, n } of read) {
    for (const { set, direction, rows } of rowChanges(before.get(n) ?? new Map(), after.get(n) ?? new Map(), sets)) {
      const known = of(set, direction)
      for (const row of rows) known.rows.add(row)
      known.users.push({ id, rows: rows.length })
    }
  }
  const unread = differing.slice(read.length)
  for (const { id, was, is } of unread) {
    const [had, has] = [was.seen.commonCount, is.seen.commonCount]
    const same = isSame(was.seen, is.seen)
    if (has > had || (has === had && !same)) note(of('seen', 'gained'), id, Math.max(1, has - had))
    if (has < had || (has === had && !same)) note(of('seen', 'lost'), id, Math.max(1, had - has))
    for (const set of sets.filter((one) => one !== 'seen' && same)) {
      const difference = is[set].commonCount - was[set].commonCount
      if (difference > 0) note(of(set, 'gained'), id, difference)
      if (difference < 0) note(of(set, 'lost'), id, -difference)
    }
  }
  const changes: TableChange[] = []
  for (const set of rowSets) {
    for (const direction of ['gained', 'lost'] as const) {
      const one = found.get(`${set} ${direction}`)
      if (one === undefined) continue
      const users = one.users.toSorted((a, b) => b.rows - a.rows || (a.id < b.id ? -1 : 1))
      changes.push({
        set,
        direction,
        users: users.length,
        rows: Math.max(one.rows.size, one.certain),
        exact: unread.length === 0,
        witnesses: spreadOver(users).map(({ id }) => id),
      })
    }
  }
  return changes
}

/** So that not all of them are concerned by one and the same of several migrations. */
function spreadOver<T>(users: readonly T[]): T[] {
  const step = Math.max(1, (users.length - 1) / (mostWitnesses - 1))
  const chosen = Array.from(
    { length: Math.min(mostWitnesses, users.length) },
    (_, index) => users[Math.round(index * step)],
  )
  return chosen.filter((user) => user !== undefined)
}

function note(known: Found, id: string, rows: number): void {
  known.users.push({ id, rows })
  known.certain = Math.max(known.certain, rows)
}

function isSame(was: Total, is: Total): boolean {
  return was.commonCount === is.commonCount && was.commonHash === is.commonHash
}

const nothing = { seen: noTotal, updatable: noTotal, deletable: noTotal, insertable: noTotal }

type Rows = ReadonlyMap<number, number>

/** As the comparison of sampled users does it: what is not seen any more is told as that, not once more as unwritable. */
function rowChanges(old: Rows, now: Rows, sets: readonly RowSetName[]) {
  const changes = sets.map((set) => ({ set, bit: maskOf[set], gained: [] as number[], lost: [] as number[] }))
  for (const [row, mask] of now) {
    const was = old.get(row)
    if (was === mask) continue
    for (const { set, bit, gained } of changes) {
      const had = was !== undefined && (was & bit) === bit
      if ((mask & bit) === bit && !had && (set !== 'insertable' || was !== undefined)) gained.push(row)
    }
  }
  for (const [row, mask] of old) {
    const is = now.get(row)
    if (is === mask) continue
    for (const { set, bit, lost } of changes) {
      const has = is !== undefined && (is & bit) === bit
      if ((mask & bit) === bit && !has && (set === 'seen' || is !== undefined)) lost.push(row)
    }
  }
  return changes
    .flatMap(({ set, gained, lost }) => [
      { set, direction: 'gained' as const, rows: gained },
      { set, direction: 'lost' as const, rows: lost },
    ])
    .filter((change) => change.rows.length > 0)
}
