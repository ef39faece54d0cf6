import type { Connection } from '../../database/engine.ts'
import { type Differing, selectRows } from '../ledger/chunks.ts'
import type { Side } from '../ledger/layout.ts'
import type { SessionPair } from '../ledger/session.ts'
import type { Reading } from './reading.ts'

/** One row: the hash of its key, and its moments as `reading.ts` tells them. */
export type MomentRow = { readonly hash: bigint; readonly moments: readonly (string | null)[] }

const rowsPerFetch = 5_000

/**
 * Brings the differing rows of both sides together by the hash of their key, in order, a few thousand at a time. Where a
 * hash names several rows, those that are equal go first, and the rest are paired in order if there are as many of them.
 */
export async function mergeRows(
  sessions: SessionPair,
  readings: Readonly<Record<Side, Reading>>,
  differing: Readonly<Record<Side, Differing>>,
  compare: (before: MomentRow, after: MomentRow) => void,
  unpaired: Record<Side, number>,
): Promise<void> {
  const before = groups(readRows(sessions.before, readings.before, differing.before))
  const after = groups(readRows(sessions.after, readings.after, differing.after))
  try {
    let [left, right] = await Promise.all([before.next(), after.next()])
    while (!left.done || !right.done) {
      if (right.done || (!left.done && left.value.hash < right.value.hash)) {
        unpaired.before += left.value?.rows.length ?? 0
        left = await before.next()
      } else if (left.done || right.value.hash < left.value.hash) {
        unpaired.after += right.value.rows.length
        right = await after.next()
      } else {
        pairUp(left.value.rows, right.value.rows, compare, unpaired)
        ;[left, right] = await Promise.all([before.next(), after.next()])
      }
    }
  } finally {
    await Promise.allSettled([before.return(undefined), after.return(undefined)])
  }
}

function pairUp(
  before: readonly MomentRow[],
  after: readonly MomentRow[],
  compare: (before: MomentRow, after: MomentRow) => void,
  unpaired: Record<Side, number>,
): void {
  const [left, right] = before.length === 1 && after.length === 1 ? [before, after] : withoutEqual(before, after)
  if (left.length !== right.length) {
    unpaired.before += left.length
    unpaired.after += right.length
    return
  }
  for (const [index, row] of left.entries()) {
    const other = right[index]
    if (other !== undefined) compare(row, other)
  }
}

function withoutEqual(before: readonly MomentRow[], after: readonly MomentRow[]) {
  const open = new Map<string, number>()
  const text = (row: MomentRow) => JSON.stringify(row.moments)
  for (const row of after) open.set(text(row), (open.get(text(row)) ?? 0) + 1)
  const take = (left: Map<string, number>, row: MomentRow) => {
    const count = left.get(text(row)) ?? 0
    if (count > 0) left.set(text(row), count - 1)
    return count > 0
  }
  const used = new Map<string, number>()
  const left = before.filter((row) => {
    if (!take(open, row)) return true
    used.set(text(row), (used.get(text(row)) ?? 0) + 1)
    return false
  })
  return [left.toSorted(byMoments), after.filter((row) => !take(used, row)).toSorted(byMoments)] as const
}

/** By the moments in time, so that a column that moved as a whole is paired with itself. */
function byMoments(left: MomentRow, right: MomentRow): number {
  for (const [index, one] of left.moments.entries()) {
    const other = right.moments[index] ?? null
    if (one === other) continue
    if (one === null || other === null) return one === null ? -1 : 1
    if (/^-?\d+$/.test(one) && /^-?\d+$/.test(other)) return BigInt(one) < BigInt(other) ? -1 : 1
    return one < other ? -1 : 1
  }
  return 0
}

type Group = { readonly hash: bigint; readonly rows: readonly MomentRow[] }

async function* groups(rows: AsyncGenerator<MomentRow, undefined>): AsyncGenerator<Group, undefined> {
  let open: { hash: bigint; rows: MomentRow[] } | undefined
  for await (const row of rows) {
    if (open !== undefined && open.hash === row.hash) open.rows.push(row)
    else {
      if (open !== undefined) yield open
      open = { hash: row.hash, rows: [row] }
    }
  }
  if (open !== undefined) yield open
}

async function* readRows(
  connection: Connection,
  reading: Reading,
  differing: Differing,
): AsyncGenerator<MomentRow, undefined> {
  if (differing.heaps.length === 0) return
  const columns = [reading.keyHash, ...reading.moments].map((expression, index) => `${expression} AS f${index}`)
  await connection.query('BEGIN READ ONLY')
  try {
    await connection.query(
      `DECLARE dates NO SCROLL CURSOR FOR SELECT * FROM (${selectRows(differing, columns.join(', '))}) AS date_rows ORDER BY 1`,
    )
    for (;;) {
      const { rows } = await connection.query<[string, ...(string | null)[]]>({
        text: `FETCH ${rowsPerFetch} FROM dates`,
        rowMode: 'array',
      })
      for (const [hash, ...moments] of rows) yield { hash: BigInt(hash), moments }
      if (rows.length < rowsPerFetch) return
    }
  } finally {
    await connection.query('ROLLBACK').catch(() => {})
  }
}
