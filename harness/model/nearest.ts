/** The known word closest to what was written, for "did you mean"; `undefined` when none is close. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(written.length / 3))
  const ranked = known
    .map((word) => ({ word, distance: editDistance(written.toLowerCase(), word.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((one, other) => one.distance - other.distance)
  return ranked[0]?.word
}

/** Levenshtein's: insertions, deletions and replacements of one character. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let at = 1; at <= to.length; at++) {
      const replaced = (previous[at - 1] ?? 0) + (from[row - 1] === to[at - 1] ? 0 : 1)
      current.push(Math.min((previous[at] ?? 0) + 1, (current[at - 1] ?? 0) + 1, replaced))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}
