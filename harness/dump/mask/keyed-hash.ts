import { hash } from 'node:crypto'
import { compress, startState } from './blake2s.ts'

/**
 * Eight words of 32 bits that tell nothing of `value`, a text or bytes, to who lacks the key: the same for the same
 * purpose and value under one key. The next call writes over them.
 */
export type KeyedHash = (purpose: string, value: string | readonly number[]) => Uint32Array

const blockBytes = 64
/** Texts of up to so many characters are written into memory that stays. */
const keptCharacters = 4096

/** BLAKE2s-256 of a block with the key, the purpose, a zero byte and the value. It cannot be extended, so that a key in front will do. */
export function keyedHash(secret: string): KeyedHash {
  const keyed = startState()
  const key = new Int32Array(blockBytes / 4)
  Buffer.from(key.buffer).write(hash('sha256', secret, 'hex'), 'latin1')
  compress(keyed, key, 0, blockBytes, false)

  const kept = Buffer.from(new ArrayBuffer(Math.ceil((3 * keptCharacters + 1) / blockBytes) * blockBytes))
  const keptWords = new Int32Array(kept.buffer)
  const state = new Int32Array(8)
  const result = new Uint32Array(state.buffer)
  return (purpose, value) => {
    let bytes = kept
    let words = keptWords
    const characters = purpose.length + value.length
    if (characters > keptCharacters) {
      bytes = Buffer.from(new ArrayBuffer(Math.ceil((3 * characters + 1) / blockBytes) * blockBytes))
      words = new Int32Array(bytes.buffer)
    }
    let length = write(bytes, 0, purpose)
    bytes[length++] = 0
    length = write(bytes, length, value)
    const lastBlock = (length - 1) & -blockBytes
    for (let at = length; at < lastBlock + blockBytes; at++) bytes[at] = 0
    for (let word = 0; word < 8; word++) state[word] = keyed[word] ?? 0
    for (let at = 0; at < lastBlock; at += blockBytes) compress(state, words, at >> 2, at + 2 * blockBytes, false)
    compress(state, words, lastBlock >> 2, blockBytes + length, true)
    return result
  }
}

/** Writes a text as UTF-8, or bytes; tells where it ends. */
function write(bytes: Buffer, from: number, text: string | readonly number[]): number {
  if (typeof text !== 'string') {
    for (let at = 0; at < text.length; at++) bytes[from + at] = text[at] ?? 0
    return from + text.length
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return from + bytes.write(text, from, 'utf8')
    bytes[from + at] = code
  }
  return from + text.length
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
const pairs = Array.from({ length: 1024 }, (_, bits) => `${letters[bits >> 5]}${letters[bits & 31]}`)

/** Letters and digits for 80 bits of a hash, from a word of it on. */
export function codeOf(hash: Uint32Array, from = 0): string {
  const a = hash[from] ?? 0
  const b = hash[from + 1] ?? 0
  const c = hash[from + 2] ?? 0
  return `${four(a >>> 12)}${four(((a & 0xfff) << 8) | (b >>> 24))}${four((b >>> 4) & 0xfffff)}${four(((b & 15) << 16) | (c >>> 16))}`
}

function four(bits: number): string {
  return `${pairs[bits >> 10]}${pairs[bits & 1023]}`
}

const consonants = 'bdfghjklmnprstvz'
const vowels = 'aiou'
const heads = Array.from(
  { length: 1024 },
  (_, bits) => `${consonants[bits >> 6]}${vowels[(bits >> 4) & 3]}${consonants[bits & 15]}`,
)
const tails = Array.from({ length: 64 }, (_, bits) => `${vowels[bits >> 4]}${consonants[bits & 15]}`)

/** A word that can be said, for the first 48 bits of a hash: 15 small letters (a proquint of three parts). */
export function wordOf(hash: Uint32Array): string {
  const a = hash[0] ?? 0
  const b = hash[1] ?? 0
  return `${part(a >>> 16)}${part(a & 0xffff)}${part(b >>> 16)}`
}

function part(bits: number): string {
  return `${heads[bits >> 6]}${tails[bits & 63]}`
}

/** An item of a list for a number of 32 bits. */
export function pick(list: readonly string[], bits: number | undefined): string {
  return list[(bits ?? 0) % list.length] ?? ''
}
