const mark = '[redacted]'

/**
 * What must never be in a report, whoever let it slip: tokens before addresses, so that no half of one is left.
 * `re_…` needs a digit, else names such as `re_order` would go.
 */
const patterns: readonly RegExp[] = [
  /\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g,
  /\$2[abxy]?\$\d{2}\$[./A-Za-z0-9]{20,53}/g,
  /\$argon2(?:id?|d)\$[^\s'"]+/g,
  /\bsb_(?:secret|publishable)_[\w-]{6,}/g,
  /\bsbp_[A-Za-z0-9]{10,}/g,
  /\bre_(?=\w*\d)\w{8,}/g,
  /(?<=\bbearer\s+)[\w.~+/=-]{8,}/gi,
  /(?<=\b(?:postgres|postgresql):\/\/[^\s:@/]*:)[^\s@/]+(?=@)/g,
  /[\p{L}\p{N}_.!#$%&'*+/=?^`{|}~-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/gu,
]

/** Replaces addresses, tokens, keys, password hashes and passwords in connection strings. */
export function redactText(text: string): string {
  return patterns.reduce((rest, pattern) => rest.replace(pattern, mark), text)
}

/** The same over every text of a JSON-like value, its keys included; keys whose value is undefined are dropped. */
export function redact(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.map(redact)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [redactText(key), redact(item)]),
  )
}
