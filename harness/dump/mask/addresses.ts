import { isIPv4, isIPv6 } from 'node:net'
import { codeOf, type KeyedHash } from './keyed-hash.ts'
import { permute, permuteWithin } from './permute.ts'
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
  const digits = keyed('email', lower)
  const first = pick(words.firstNames, digits, 40)
  const last = pick(words.lastNames, digits, 44)
  const code = codeOf(digits)
  const whole = `${first}.${last}.${code}`.toLowerCase().replace(/[^a-z0-9.]/g, '')
  const room = limit - maskDomain.length - 1 - (value.length - address.length)
  const local = whole.length <= room ? whole : code.slice(0, Math.max(1, room))
  const masked = address === lower ? local : withCapitals(local, keyed('case', address))
  return value.replace(address, () => `${masked}@${maskDomain}`)
}

/** The first letter, and others as the bits of a hash say. */
function withCapitals(local: string, digits: string): string {
  let at = 0
  return local.replace(/[a-z]/g, (letter) => {
    const digit = Number.parseInt(digits[at % 64] ?? '0', 16)
    return at++ === 0 || digit % 2 === 1 ? letter.toUpperCase() : letter
  })
}

/**
 * Pure: another number of as many digits, written in the same way; its first digit stays, as country codes and checks
 * want it. The same digits become the same ones, however they are written: Auth keeps numbers without their `+`.
 */
export function maskPhone(keyed: KeyedHash, value: string): string {
  const digits = value.replace(/\D/g, '')
  if (digits === '' || /\p{L}{4}/u.test(value)) return permute(keyed, 'contact', value)
  const masked =
    digits.length > 32 ? permute(keyed, 'phone', digits, 1) : permuteWithin(keyed, 'phone', digits, '0123456789', 1)
  let at = 0
  return value
    .replace(/\d/g, () => masked[at++] ?? '')
    .replace(/[^\d\s]/g, (char) => (/\p{L}/u.test(char) ? 'x' : char))
}

/** Pure: every IP address in a text by another one, ports and masks of networks as they are; IPv6 within 2001:db8::/32. */
export function maskIp(keyed: KeyedHash, value: string): string {
  let found = false
  const masked = value.replace(/[0-9a-fA-F:.]*[0-9a-fA-F:]/g, (text) => {
    const ip = /^(\d+\.\d+\.\d+\.\d+)(:\d+)?$/.exec(text)
    if (ip && isIPv4(ip[1] ?? '')) {
      found = true
      return `${maskIpv4(keyed, ip[1] ?? '')}${ip[2] ?? ''}`
    }
    if (!isIPv6(text)) return text
    found = true
    const digits = keyed('ip', text.toLowerCase())
    return `2001:db8:${[0, 4, 8, 12, 16, 20].map((at) => Number.parseInt(digits.slice(at, at + 4), 16).toString(16)).join(':')}`
  })
  return found ? masked : permute(keyed, 'contact', value)
}

function maskIpv4(keyed: KeyedHash, ip: string): string {
  const bits = ip.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  const masked = permuteWithin(keyed, 'ip', bits.join(''), '01')
  return [0, 8, 16, 24].map((at) => Number.parseInt(masked.slice(at, at + 8), 2)).join('.')
}

/** An item of a list for the three digits of a hash from `at` on. */
export function pick(list: readonly string[], digits: string, at: number): string {
  return list[Number.parseInt(digits.slice(at, at + 4), 16) % list.length] ?? ''
}
