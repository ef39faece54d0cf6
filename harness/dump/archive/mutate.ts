/** Numbers from 0 (with) to `below` (without), the same for the same seed. For tests. */
export type Random = (below: number) => number

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const edges = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]

/** Bytes as damage, bad copies and ill will leave them: flipped, overwritten, cut, doubled, moved. For tests. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes)
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(changed.length + 1)
    const length = 1 + random(random(2) === 0 ? 8 : 300)
    const slice = changed.subarray(at, at + length)
    switch (random(8)) {
      case 0:
      case 1:
        if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random(8))
        break
      case 2:
        if (at < changed.length) changed[at] = edges[random(edges.length)] ?? 0
        break
      case 3:
        slice.fill(edges[random(edges.length)] ?? 0)
        break
      case 4:
        changed = changed.subarray(0, at)
        break
      case 5:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + length)])
        break
      case 6:
        changed = Buffer.concat([changed.subarray(0, at), slice, changed.subarray(at)])
        break
      default: {
        const from = random(changed.length + 1)
        changed.copy(changed, at, from, from + length)
      }
    }
  }
  return changed
}
