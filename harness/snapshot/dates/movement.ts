/** Spans of time in microseconds. */
const second = 1_000_000n
const minute = 60n * second
const hour = 60n * minute
export const day = 24n * hour

/** What a value can lose of its precision, finest first. */
export const cuts = [
  { unit: 'fractions of a second', span: second },
  { unit: 'seconds', span: minute },
  { unit: 'minutes', span: hour },
  { unit: 'time of day', span: day },
] as const
export type Cut = (typeof cuts)[number]['unit']

export type Movement =
  | { readonly type: 'same' }
  /** By how many microseconds, later being positive; what it lost of its precision, where that is how it moved. */
  | { readonly type: 'moved'; readonly by: bigint; readonly cut?: Cut; readonly days: bigint }
  /** Emptied, filled, infinite, or several values that moved each by their own. */
  | { readonly type: 'other' }

/**
 * How one value, as `reading.ts` tells it, became another. `wraps`: a time of day, which starts again at midnight. Pure.
 */
export function movementOf(before: string, after: string, wraps: boolean): Movement {
  if (before === after) return { type: 'same' }
  const from = before.split(',')
  const to = after.split(',')
  if (from.length !== to.length) return { type: 'other' }
  let found: Extract<Movement, { type: 'moved' }> | undefined
  for (const [index, left] of from.entries()) {
    const right = to[index] ?? ''
    if (left === right && !figure.test(left)) continue
    if (!figure.test(left) || !figure.test(right)) return { type: 'other' }
    const one = moved(BigInt(left), BigInt(right), wraps)
    if (found !== undefined && found.by !== one.by) return { type: 'other' }
    found = one
  }
  return found ?? { type: 'other' }
}

const figure = /^-?\d+$/

function moved(before: bigint, after: bigint, wraps: boolean): Extract<Movement, { type: 'moved' }> {
  const plain = after - before
  const by = wraps && plain > 12n * hour ? plain - day : wraps && plain <= -12n * hour ? plain + day : plain
  const size = by < 0n ? -by : by
  const cut = cuts.find(({ span }) => size < span && after % span === 0n)
  return {
    type: 'moved',
    by,
    days: floorDay(after) - floorDay(before),
    ...(cut === undefined ? {} : { cut: cut.unit }),
  }
}

const floorDay = (moment: bigint) => (moment - (((moment % day) + day) % day)) / day

/** Whether a clock that was set wrong explains it: an offset that some time zone has against another, or whole days. */
export function isOffset(by: bigint): boolean {
  const size = by < 0n ? -by : by
  return size % day === 0n || (size <= 26n * hour && size % (15n * minute) === 0n)
}

/** `+05:30`, `−04:56:02`, `+1 day`, `−2 days 05:00`. */
export function sayOffset(by: bigint): string {
  const sign = by < 0n ? '−' : '+'
  const size = by < 0n ? -by : by
  const days = size >= day ? `${size / day} day${size / day === 1n ? '' : 's'}` : ''
  const rest = size % day
  if (rest === 0n) return `${sign}${days}`
  const two = (value: bigint) => value.toString().padStart(2, '0')
  const fraction = rest % second
  const clock = [two(rest / hour), two((rest % hour) / minute)]
  if (rest % minute !== 0n) clock.push(two((rest % minute) / second))
  const tail = fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`
  return `${sign}${days}${days === '' ? '' : ' '}${clock.join(':')}${tail}`
}
