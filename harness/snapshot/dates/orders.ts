import { reference } from '../ledger/image.ts'
import type { SessionPair } from '../ledger/session.ts'
import type { DatePair, DateTable } from './columns.ts'
import { totals } from './totals.ts'

/** A start and an end in one table, with how many rows have them the wrong way round on each side. */
export type Order = {
  readonly start: DatePair
  readonly end: DatePair
  readonly wrong: { readonly before: number; readonly after: number }
}

/** A start and an end by the config, besides those that names give away. */
export type NamedOrder = { readonly table: string; readonly start: string; readonly end: string }

type OrderPair = Pick<Order, 'start' | 'end'>

const words: readonly (readonly [start: RegExp, ends: readonly string[]])[] = [
  [/^(.*_)?(starts|started|start|begins|began|begin)(_.*)?$/i, ['ends', 'ended', 'end']],
  [/^(.*_)?(opens|open)(_.*)?$/i, ['closes', 'close']],
  [/^(.*_)?(from)(_.*)?$/i, ['to', 'until']],
  [/^(.*_)?(check_?in)(_.*)?$/i, ['check_out', 'checkout']],
]

/** Pairs of columns of one type of which one must not be after the other: by the config, else by their names. Pure. */
export function ordersOf(table: DateTable, named: readonly NamedOrder[]): readonly OrderPair[] {
  const single = table.columns.filter(
    ({ reads }) => reads.before !== 'text' && reads.after !== 'text' && reads.before.shape === 'single',
  )
  const column = (name: string) => single.find(({ before }) => before.name.toLowerCase() === name.toLowerCase())
  const own = named
    .filter((order) => order.table === table.pair.before.object)
    .map(({ start, end }) => [start, end] as const)
  const guessed = single.flatMap(({ before: { name } }) =>
    words.flatMap(([pattern, ends]) => {
      const [, front = '', start, tail = ''] = pattern.exec(name) ?? []
      if (start === undefined) return []
      const end = ends.map((word) => `${front}${word}${tail}`).find((other) => column(other) !== undefined)
      return end === undefined ? [] : [[name, end] as const]
    }),
  )
  const pairs = new Map([...guessed, ...own].map(([start, end]) => [`${start}\0${end}`, [start, end] as const]))
  return [...pairs.values()].flatMap(([from, to]) => {
    const start = column(from)
    const end = column(to)
    const alike = start?.before.base === end?.before.base && start?.after.base === end?.after.base
    return start === undefined || end === undefined || !alike ? [] : [{ start, end }]
  })
}

/** Counts on both sides how many rows end before they start. */
export async function takeOrders(
  sessions: SessionPair,
  table: DateTable,
  orders: readonly OrderPair[],
): Promise<readonly Order[]> {
  const wrong = (side: 'before' | 'after') =>
    totals(
      sessions[side],
      table,
      side,
      orders.map(({ start, end }) => `count(*) FILTER (WHERE ${reference(start[side])} > ${reference(end[side])})`),
    )
  const [before, after] = await Promise.all([wrong('before'), wrong('after')])
  return orders.map((order, index) => ({
    ...order,
    wrong: { before: before[index] ?? 0, after: after[index] ?? 0 },
  }))
}
