/** An address as a mail carries it: `Name <ada@planner.app>` or `ada@planner.app`. */
export type Address = { readonly name?: string; readonly address: string }

/** `undefined` for what Resend would not take. A name may hold anything but `<`, `>` and line breaks. */
export function parseAddress(text: string): Address | undefined {
  if (/[\r\n]/.test(text)) return undefined
  const named = /^([^<>]*)<([^<>]*)>\s*$/.exec(text)
  const address = (named?.[2] ?? text).trim()
  if (!/^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".]+$/.test(address) || address.length > 320) return undefined
  const name = named?.[1]?.trim().replace(/^"(.*)"$/, '$1')
  return name ? { name, address } : { address }
}

/** The bare address in lower case; the text itself, trimmed, where it holds none. */
export function bareAddress(text: string): string {
  return (parseAddress(text)?.address ?? text.trim()).toLowerCase()
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}

/**
 * The inbox that an address most likely ends in, to compare by: unicode forms, letter case and `+labels` undone.
 * Meant to find too many alike rather than too few.
 */
export function inboxOf(text: string): string {
  const address = bareAddress(text.normalize('NFKC').replace(/\p{Cf}/gu, '')).toLowerCase()
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at).replace(/\+.*$/, '')
  return `${local}@${address.slice(at + 1).replace(/\.$/, '')}`
}
