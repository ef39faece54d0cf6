import { isIPv4, isIPv6 } from 'node:net'
import { codeOf, type KeyedHash, pick } from './keyed-hash.ts'
import { digits as decimal, permute, permuteWithin } from './permute.ts'
import type { MaskWords } from './words.ts'

/** Where masked addresses are: nobody can have one there, and Resend refuses to send to it. */
const maskDomain = 'example.com'

/**
 * Pure: an address nobody has. Addresses that differ in letter case only get masks that do so, too, so that citext and
 * `lower()` find the same rows together. What is no address becomes no address: a fault of the data stays one.
 */
export function maskEmail(keyed: KeyedHash, words: MaskWords, value: string, limit: number): string {
  if (!value.includes('@')) return permute(keyed, 'contact', value)
  const address = value.trim()
  const lower = address.toLowerCase()
  const hash = keyed.of('email', lower)
  const code = codeOf(hash)
  const first = pick(words.localParts.first, hash[5])
  const last = pick(words.localParts.last, hash[6])
  const room = limit - maskDomain.length - 1 - (value.length - address.length)
  const fits = first.length + last.length + code.length + 2 <= room
  const local = fits ? `${first}.${last}.${code}` : code.slice(0, Math.max(1, room))
  const masked = `${address === lower ? local : withCapitals(local, keyed.of('case', address))}@${maskDomain}`
  return address.length === value.length ? masked : value.replace(address, () => masked)
}

/** The first letter, and others as the bits of a hash say. */
function withCapitals(local: string, hash: Uint32Array): string {
  let at = 0
  return local.replace(/[a-z]/g, (letter) => {
    const bit = ((hash[(at >> 5) & 7] ?? 0) >>> (at & 31)) & 1
    return at++ === 0 || bit === 1 ? letter.toUpperCase() : letter
  })
}

/**
 * Pure: another number of as many digits, written in the same way; its first digit stays, as country codes and checks
 * want it. The same digits become the same ones, however they are written: Auth keeps numbers without their `+`.
 */
export function maskPhone(keyed: KeyedHash, value: string): string {
  if (/^\d{1,32}$/.test(value)) return permuteWithin(keyed, 'phone', value, decimal, 1)
  // Most have no letter, and then need no look at each.
  const isBare = /^[ -@]+$/.test(value)
  const digits = value.replace(/\D/g, '')
  if (digits === '' || (!isBare && /\p{L}{4}/u.test(value))) return permute(keyed, 'contact', value)
  const masked =
    digits.length > 32 ? permute(keyed, 'phone', digits, 1) : permuteWithin(keyed, 'phone', digits, decimal, 1)
  let at = 0
  let result = ''
  for (const char of value) {
    if (char >= '0' && char <= '9') result += masked[at++] ?? ''
    else result += !isBare && /\p{L}/u.test(char) ? 'x' : char
  }
  return result
}

/** Pure: every IP address in a text by another one, ports and masks of networks as they are; IPv6 within 2001:db8::/32. */
export function maskIp(keyed: KeyedHash, value: string): string {
  if (isIPv4(value)) return maskIpv4(keyed, value)
  let found = false
  const masked = value.replace(/[0-9a-fA-F:.]*[0-9a-fA-F:]/g, (text) => {
    const ip = /^(\d+\.\d+\.\d+\.\d+)(:\d+)?$/.exec(text)
    if (ip && isIPv4(ip[1] ?? '')) {
      found = true
      return `${maskIpv4(keyed, ip[1] ?? '')}${ip[2] ?? ''}`
    }
    if (!isIPv6(text)) return text
    found = true
    const [a = 0, b = 0, c = 0] = keyed.of('ip', text.toLowerCase())
    return `2001:db8:${[a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff].map((part) => part.toString(16)).join(':')}`
  })
  return found ? masked : permute(keyed, 'contact', value)
}

/** A Feistel network over its two halves: two addresses never become the same one. */
function maskIpv4(keyed: KeyedHash, ip: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number)
  let left = a * 256 + b
  let right = c * 256 + d
  for (let round = 0; round < 4; round++) {
    keyed.begin('ip')
    keyed.byte(0)
    keyed.byte(round)
    keyed.byte(right >> 8)
    keyed.byte(right & 255)
    const moved = left ^ ((keyed.end()[0] ?? 0) & 0xffff)
    left = right
    right = moved
  }
  return `${left >> 8}.${left & 255}.${right >> 8}.${right & 255}`
}
