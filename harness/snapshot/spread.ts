/** Somebody to choose, and in which ways they differ from the others. */
export type Choosable = {
  /** Each of them is to be chosen at least twice. */
  readonly traits: readonly string[]
  /** Equal for those who relate to the data alike: two of each come before a third of any. */
  readonly relation: string
}

/**
 * Up to `limit` candidates in an order of which every beginning is spread: the next one is always of the traits seen
 * least so far, then of the relation, then of the kind (all traits together). Candidates of one kind keep their order.
 */
export function spread<T extends Choosable>(candidates: readonly T[], limit: number): T[] {
  const kinds = [...Map.groupBy(candidates, ({ traits, relation }) => [relation, ...traits].join('\n')).values()].map(
    (members) => ({ members, taken: 0 }),
  )
  const counts = new Map<string, number>()
  const count = (key: string) => counts.get(key) ?? 0
  const chosen: T[] = []
  while (chosen.length < Math.min(limit, candidates.length)) {
    let best: (typeof kinds)[number] | undefined
    let bestScore = Number.POSITIVE_INFINITY
    for (const kind of kinds) {
      const next = kind.members[kind.taken]
      if (next === undefined) continue
      let score = count(`relation ${next.relation}`) * 1e4 + kind.taken * 1e2
      for (const trait of next.traits) {
        const times = count(trait)
        score += times === 0 ? -1e9 : times === 1 ? -1e7 : Math.min(times, 1e4) / 1e2
      }
      if (score < bestScore) [best, bestScore] = [kind, score]
    }
    const next = best?.members[best.taken]
    if (best === undefined || next === undefined) break
    best.taken += 1
    chosen.push(next)
    for (const key of [`relation ${next.relation}`, ...next.traits]) counts.set(key, count(key) + 1)
  }
  return chosen
}
