import type { KeyedHash } from './keyed-hash.ts'
import { permute } from './permute.ts'

const beforeAt = /[\p{L}\p{N}._%+'-]/u
const afterAt = /@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/uy
/** What RFC 5321 allows before the `@`. */
const longestLocal = 64

/** Pure: a text with every e-mail address in it replaced. Takes time in proportion to the text, whatever it holds. */
export function replaceAddresses(text: string, mask: (address: string) => string): string {
  let result = ''
  let written = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at
    while (start > written && at - start < longestLocal && beforeAt.test(text[start - 1] ?? '')) start--
    // A quotation mark or a dot in front is the text's.
    while (start < at && /['.]/.test(text[start] ?? '')) start++
    afterAt.lastIndex = at
    const domain = start < at ? afterAt.exec(text)?.[0] : undefined
    if (domain === undefined) continue
    const end = at + domain.length
    result += text.slice(written, start) + mask(text.slice(start, end))
    written = end
  }
  return written === 0 ? text : result + text.slice(written)
}

/** What the secrets that `replaceSecrets` knows begin with. */
export const secretMarks = ['eyJ', 'sb_secret_', 'whsec_'] as const

/**
 * Pure: a text whose keys open nothing any more. A JWT keeps its header and its claims, so that it still says which role
 * it is for, and loses its signature.
 */
export function replaceSecrets(keyed: KeyedHash, text: string): string {
  if (!secretMarks.some((mark) => text.includes(mark))) return text
  return text
    .replace(
      /\b(eyJ[\w-]{10,4000}\.eyJ[\w-]{2,8000}\.)([\w-]{20,4000})/g,
      (_, claims: string, signature: string) => claims + permute(keyed, 'secret', signature),
    )
    .replace(
      /\b(sb_secret_|whsec_)([\w+/=-]{8,400})/g,
      (_, prefix: string, secret: string) => prefix + permute(keyed, 'secret', secret),
    )
}
