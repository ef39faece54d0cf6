/** So many masks of a kind are remembered; a power of two. More live so long that the collector of garbage moves them, which costs more than they save. */
const slots = 256
const longestRemembered = 320

/**
 * The mask of a value, from memory where it was asked for lately, as for an address that is in its row twice. Each value
 * has one slot, which the next value with the same one takes.
 */
export function remembering(mask: (value: string) => string): (value: string) => string {
  const values = new Array<string>(slots).fill('')
  const masks = new Array<string>(slots).fill('')
  return (value) => {
    if (value.length > longestRemembered) return mask(value)
    const slot = slotOf(value)
    if (values[slot] === value) return masks[slot] ?? ''
    const masked = mask(value)
    values[slot] = value
    masks[slot] = masked
    return masked
  }
}

function slotOf(value: string): number {
  let hash = 0
  for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (slots - 1)
}
