import { hash } from 'node:crypto'
import { compress, startState } from './blake2s.ts'

const blockBytes = 64
/** What is hashed is written into memory that stays, unless it was so much. */
const keptBytes = 16 * 1024

/**
 * Hashes of 32 bytes that tell nothing of what they are of to who lacks the key: BLAKE2s-256 of a block with the key, the
 * purpose, a zero byte and the value. It cannot be extended, so that a key in front will do.
 */
export class KeyedHash {
  readonly #keyed = startState()
  readonly #state = new Int32Array(8)
  /** Of the state, as the words that callers get. */
  readonly #result = new Uint32Array(this.#state.buffer)
  #bytes = Buffer.from(new ArrayBuffer(keptBytes))
  #words = new Int32Array(this.#bytes.buffer)
  #length = 0

  constructor(secret: string) {
    const key = new Int32Array(blockBytes / 4)
    Buffer.from(key.buffer).write(hash('sha256', secret, 'hex'), 'latin1')
    compress(this.#keyed, key, 0, blockBytes, false)
  }

  /** Of a text: the same for the same purpose and value under one key. The next call writes over the eight words. */
  of(purpose: string, value: string): Uint32Array {
    this.begin(purpose)
    this.byte(0)
    this.text(value)
    return this.end()
  }

  /** For what is no text: the bytes of a purpose, a zero byte and the value one after the other, then `end`. */
  begin(purpose: string): void {
    this.#length = 0
    this.text(purpose)
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
  }

  word(value: number): void {
    this.byte(value & 0xff)
    this.byte((value >>> 8) & 0xff)
    this.byte((value >>> 16) & 0xff)
    this.byte(value >>> 24)
  }

  text(text: string): void {
    if (this.#length + 3 * text.length > this.#bytes.length) this.#grow(3 * text.length)
    const bytes = this.#bytes
    const from = this.#length
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > 0x7f) {
        this.#length = from + bytes.write(text, from, 'utf8')
        return
      }
      bytes[from + at] = code
    }
    this.#length = from + text.length
  }

  /** How much was written; `back` drops what was written since. */
  get length(): number {
    return this.#length
  }

  back(length: number): void {
    this.#length = length
  }

  /** Of all that was written, which stays until the next beginning. */
  end(): Uint32Array {
    const length = this.#length
    const lastBlock = (length - 1) & -blockBytes
    if (lastBlock + blockBytes > this.#bytes.length) this.#grow(blockBytes)
    const state = this.#state
    this.#bytes.fill(0, length, lastBlock + blockBytes)
    for (let word = 0; word < 8; word++) state[word] = this.#keyed[word] ?? 0
    for (let at = 0; at < lastBlock; at += blockBytes) compress(state, this.#words, at >> 2, at + 2 * blockBytes, false)
    compress(state, this.#words, lastBlock >> 2, blockBytes + length, true)
    if (this.#bytes.length > keptBytes) this.#keep(Buffer.from(new ArrayBuffer(keptBytes)))
    return this.#result
  }

  #grow(bytes: number): void {
    const blocks = Math.ceil((2 * (this.#length + bytes)) / blockBytes)
    const larger = Buffer.from(new ArrayBuffer(blocks * blockBytes))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#keep(larger)
  }

  #keep(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes
    this.#words = new Int32Array(bytes.buffer)
  }
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
