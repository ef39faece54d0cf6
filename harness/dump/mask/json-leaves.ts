/**
 * Pure: a JSON text with the strings (never the names of members) that `mask` gives another value for. `key`: of the
 * member that the string is the value of, or that its array is. `isTold`: whether the name of a member alone may be why
 * a value changes; where it is not, and the value neither has a mark nor an escape, `mask` is not asked. Everything else
 * stays byte for byte: numbers of any size, spaces, the order of members. What is no JSON comes back as it is, masked as
 * far as it could be read.
 */
export function maskLeaves(
  json: string,
  mask: (leaf: string, key: string) => string,
  isTold: (key: string) => boolean = () => true,
): string {
  let depth = 0
  let key = ''
  let result = ''
  let written = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === openBrace || code === openBracket) keys[depth++] = key
    else if (code === closeBrace || code === closeBracket) key = depth > 0 ? (keys[--depth] ?? '') : ''
    else if (code === quote) {
      const start = at
      let hasEscapes = false
      let hasMark = false
      for (at++; at < json.length; at++) {
        const inner = json.charCodeAt(at)
        if (inner === quote) break
        if (inner === backslash) {
          hasEscapes = true
          at++
        } else if (inner === atSign || inner === capitalJ || inner === underscore) hasMark = true
      }
      if (at >= json.length) break
      if (isFollowedByColon(json, at + 1)) {
        key = hasEscapes ? parsed(json.slice(start, at + 1)) : json.slice(start + 1, at)
        continue
      }
      if (!hasMark && !hasEscapes) {
        const first = json.charCodeAt(start + 1)
        if (first !== plus && first !== dollar && !isTold(key)) continue
      }
      const value = hasEscapes ? parsed(json.slice(start, at + 1)) : json.slice(start + 1, at)
      const masked = mask(value, key)
      if (masked === value) continue
      result += json.slice(written, start) + (/^[ !#-[\]-~]*$/.test(masked) ? `"${masked}"` : JSON.stringify(masked))
      written = at + 1
    }
  }
  return written === 0 ? json : result + json.slice(written)
}

/** Of the members that the one at hand is in. */
const keys: string[] = []

/** Of addresses, of the secrets that begin with `eyJ`, `sb_secret_` or `whsec_`, of numbers to call and of hashes of passwords. */
const [atSign, capitalJ, underscore, plus, dollar] = [0x40, 0x4a, 0x5f, 0x2b, 0x24]
const [quote, backslash, colon] = [0x22, 0x5c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

function isFollowedByColon(json: string, at: number): boolean {
  while (isSpace(json.charCodeAt(at))) at++
  return json.charCodeAt(at) === colon
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

/** What cannot be parsed has strange escapes, and is its own value. */
function parsed(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text.slice(1, -1)
  }
}
