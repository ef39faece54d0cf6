/** A stream of numbers in [0, 1) from a seed (mulberry32): the same for the same seed on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export type Interval = { readonly low: number; readonly high: number }

/** One interleaved pair of times, in milliseconds. */
export type Pair = { readonly before: number; readonly after: number }

/** The pairs with the times of after scaled by what the same work took on the two sides: 1 where `same` is empty. */
export function onEqualCores(pairs: readonly Pair[], same: readonly Pair[]): Pair[] {
  const skew = median(same.map(({ after }) => after)) / median(same.map(({ before }) => before))
  const scale = Number.isFinite(skew) && skew > 0 ? skew : 1
  return pairs.map(({ before, after }) => ({ before, after: after / scale }))
}

/** The 95 % bootstrap interval of after ÷ before, as the ratio of medians over resampled pairs. */
export function ratioInterval(pairs: readonly Pair[], seed: number, resamples = 1_000): Interval {
  const random = seededRandom(seed)
  const ratios: number[] = []
  for (let round = 0; round < resamples; round += 1) {
    const drawn = pairs.map(() => pairs[Math.floor(random() * pairs.length)] ?? { before: 1, after: 1 })
    ratios.push(median(drawn.map(({ after }) => after)) / Math.max(median(drawn.map(({ before }) => before)), 0.001))
  }
  ratios.sort((a, b) => a - b)
  const at = (share: number) => ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))] ?? 1
  return { low: at(0.025), high: at(0.975) }
}
