import { codeOf, type KeyedHash } from './keyed-hash.ts'

/**
 * Pure: another text of the same shape: digits stay digits, small letters small letters, a hexadecimal number one; every
 * other character stays. Among the ASCII texts of one shape it is a permutation, so that two different texts never
 * become the same one. (From `longPlaces` characters on the hash alone sees to that: there are 2⁸⁰ and more to become.)
 * `fixed`: so many characters at the beginning stay, whatever they are.
 */
export function permute(keyed: KeyedHash, purpose: string, text: string, fixed = 0): string {
  const chars = codePoints(text)
  const hex = hexadecimal(chars)
  const places: Places = { at: [], alphabet: [] }
  for (let at = fixed; at < chars.length; at++) {
    const char = chars[at] ?? 0
    const alphabet = hex !== undefined && hex.indexOf(char) >= 0 ? hex : alphabetOf(char)
    if (alphabet !== undefined) add(places, at, alphabet)
  }
  if (places.at.length === 0) return text
  const mask = places.at.length >= longPlaces ? replace : feistel
  // What is no hexadecimal number must not become one: that place is taken by another. Walking on ends: a permutation goes round.
  do mask(keyed, purpose, chars, places)
  while (hexadecimal(chars) !== hex)
  return textOf(chars)
}

/** Pure: another text of as many characters of an alphabet; a permutation among these. At most 32 of them. */
export function permuteWithin(keyed: KeyedHash, purpose: string, text: string, alphabet: Alphabet, fixed = 0): string {
  const chars = codePoints(text)
  const places: Places = { at: [], alphabet: [] }
  for (let at = fixed; at < chars.length; at++) add(places, at, alphabet)
  feistel(keyed, purpose, chars, places)
  return textOf(chars)
}

/** Characters that take one another's place. */
class Alphabet {
  readonly size: number
  readonly #codes: Uint8Array
  readonly #places = new Int8Array(128).fill(-1)

  constructor(characters: string) {
    this.size = characters.length
    this.#codes = Buffer.from(characters, 'latin1')
    for (const [at, code] of this.#codes.entries()) this.#places[code] = at
  }

  indexOf(code: number): number {
    return code < 128 ? (this.#places[code] ?? -1) : -1
  }

  /** The character that many places on, round and round; of one that is not among them, from the first. */
  after(code: number, places: number): number {
    return this.#codes[(Math.max(0, this.indexOf(code)) + places) % this.size] ?? 0
  }
}

export const digits = new Alphabet('0123456789')
export const hexDigits = new Alphabet('0123456789abcdef')
const hexCapitals = new Alphabet('0123456789ABCDEF')
const small = new Alphabet('abcdefghijklmnopqrstuvwxyz')
const capital = new Alphabet('ABCDEFGHIJKLMNOPQRSTUVWXYZ')

const longPlaces = 24
const rounds = 4

function alphabetOf(code: number): Alphabet | undefined {
  if (code >= 0x30 && code <= 0x39) return digits
  if (code >= 0x61 && code <= 0x7a) return small
  if (code >= 0x41 && code <= 0x5a) return capital
  return code > 0x7f && /[\p{L}\p{N}]/u.test(String.fromCodePoint(code)) ? small : undefined
}

/** So many letters and digits, none of them above f, are no chance. */
const hexadecimalPlaces = 16

/** Digits and letters up to f, both of them, in one case: the sixteen digits that it is written in. */
function hexadecimal(chars: readonly number[]): Alphabet | undefined {
  if (chars.length < hexadecimalPlaces) return undefined
  let numbers = 0
  let smallLetters = 0
  let capitals = 0
  for (const code of chars) {
    if (code >= 0x30 && code <= 0x39) numbers++
    else if (code >= 0x61 && code <= 0x66) smallLetters++
    else if (code >= 0x41 && code <= 0x46) capitals++
    else if ((code > 0x66 && code <= 0x7a) || (code > 0x46 && code <= 0x5a)) return undefined
  }
  if (numbers === 0 || numbers + smallLetters + capitals < hexadecimalPlaces) return undefined
  if (smallLetters > 0) return capitals > 0 ? undefined : hexDigits
  return capitals > 0 ? hexCapitals : undefined
}

/** Of each place where it is, and what may stand there. */
type Places = { readonly at: number[]; readonly alphabet: Alphabet[] }

function add(places: Places, at: number, alphabet: Alphabet): void {
  places.at.push(at)
  places.alphabet.push(alphabet)
}

/** A Feistel network over the places: each half is shifted, place by place, by a keyed hash of the other. */
function feistel(keyed: KeyedHash, purpose: string, chars: number[], places: Places): void {
  const shape = chars.slice()
  for (const at of places.at) shape[at] = 1
  const tweak = `${purpose} ${textOf(shape)}`
  const end = places.at.length
  const middle = end >> 1
  const other: number[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0
    other.length = 0
    other.push(round)
    for (let index = first ? 0 : middle; index < (first ? middle : end); index++) {
      const code = chars[places.at[index] ?? 0] ?? 0
      if (code < 0x80) other.push(code)
      else other.push(0x80 | (code & 0x7f), 0x80 | ((code >> 7) & 0x7f), code >> 14)
    }
    shift(chars, places, first ? middle : 0, first ? end : middle, keyed(tweak, other))
  }
}

/** Each place gets a character for the hash of the whole; where that runs out, for the hash of the hash. */
function replace(keyed: KeyedHash, purpose: string, chars: number[], places: Places): void {
  let shifts = keyed(`${purpose} long`, textOf(chars))
  for (const at of places.at) chars[at] = 0
  let seed = ''
  for (let from = 0; from < places.at.length; from += shiftsInHash) {
    if (from > 0) {
      seed ||= codeOf(shifts) + codeOf(shifts, 3)
      shifts = keyed(`${purpose} long ${from}`, seed)
    }
    shift(chars, places, from, Math.min(places.at.length, from + shiftsInHash), shifts)
  }
}

const shiftsInHash = 16

/** Moves the characters of some places on, each as far as 16 bits of a hash say. */
function shift(chars: number[], { at, alphabet }: Places, from: number, to: number, shifts: Uint32Array): void {
  for (let index = from; index < to; index++) {
    const place = at[index] ?? 0
    const nth = index - from
    const word = shifts[nth >> 1] ?? 0
    chars[place] = alphabet[index]?.after(chars[place] ?? 0, nth % 2 === 0 ? word >>> 16 : word & 0xffff) ?? 0
  }
}

function codePoints(text: string): number[] {
  const codes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    codes.push(code)
    if (code > 0xffff) at++
  }
  return codes
}

/** Up to so many characters are put together one by one. */
const fewCharacters = 64
/** So many arguments are taken by a call. */
const callArguments = 4096

function textOf(codes: readonly number[]): string {
  let text = ''
  if (codes.length <= fewCharacters) {
    for (let at = 0; at < codes.length; at++) text += String.fromCodePoint(codes[at] ?? 0)
    return text
  }
  for (let at = 0; at < codes.length; at += callArguments)
    text += String.fromCodePoint(...codes.slice(at, at + callArguments))
  return text
}
