import { hash } from 'node:crypto'

/** 64 hex digits that tell nothing of `value` to who lacks the key: the same for the same two texts under one key. */
export type KeyedHash = (purpose: string, value: string) => string

/**
 * HMAC-SHA256 (RFC 2104) with the key `SHA256(secret)` as its 64 hex digits. Written with the one-shot hash, which takes
 * half the time of `createHmac`: with a key of one block of ASCII, both pads are ASCII, too.
 */
export function keyedHash(secret: string): KeyedHash {
  const key = hash('sha256', secret, 'hex')
  const inner = padded(key, 0x36)
  const outer = Buffer.from(padded(key, 0x5c), 'latin1')
  const message = Buffer.alloc(outer.length + 32)
  outer.copy(message)
  return (purpose, value) => {
    message.write(hash('sha256', `${inner}${purpose}\0${value}`, 'binary'), outer.length, 'latin1')
    return hash('sha256', message, 'hex')
  }
}

function padded(key: string, pad: number): string {
  return String.fromCharCode(...Buffer.from(key, 'latin1').map((byte) => byte ^ pad))
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

/** Letters and digits for the first bits of a hash, five bits each: 80 bits unless told otherwise. At most 48. */
export function codeOf(digits: string, length = 16): string {
  let code = ''
  for (let at = 0; code.length < length; at += 5) {
    const bits = Number.parseInt(digits.slice(at, at + 5), 16)
    for (let shift = 15; shift >= 0 && code.length < length; shift -= 5) code += letters[(bits >> shift) & 31]
  }
  return code
}

const consonants = 'bdfghjklmnprstvz'
const vowels = 'aiou'

/** A word that can be said, for the first 48 bits of a hash: 15 small letters (a proquint of three parts). */
export function wordOf(digits: string): string {
  let word = ''
  for (let at = 0; at < 12; at += 4) {
    const bits = Number.parseInt(digits.slice(at, at + 4), 16)
    word += `${consonants[bits >> 12]}${vowels[(bits >> 10) & 3]}${consonants[(bits >> 6) & 15]}`
    word += `${vowels[(bits >> 4) & 3]}${consonants[bits & 15]}`
  }
  return word
}
