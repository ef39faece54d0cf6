import {
  type Alphabet,
  aCapitalHex,
  aDigit,
  after,
  alphabetOf,
  anotherLetter,
  aSmallHex,
  digits,
  hexCapitals,
  hexDigits,
  kindOf,
} from './alphabets.ts'
import type { KeyedHash } from './keyed-hash.ts'

export { digits, hexDigits }

/**
 * Pure: another text of the same shape: digits stay digits, small letters small letters, a hexadecimal number one; every
 * other character stays. Among the ASCII texts of one shape it is a permutation, so that two different texts never
 * become the same one. (From `longPlaces` characters on the hash alone sees to that: there are 2⁸⁰ and more to become.)
 * `fixed`: so many characters at the beginning stay, whatever they are.
 */
export function permute(keyed: KeyedHash, purpose: string, text: string, fixed = 0): string {
  take(text)
  const hex = hexadecimal()
  for (let at = fixed; at < length; at++) {
    const code = chars[at] ?? 0
    const alphabet = hex !== undefined && kindOf(code) !== 0 ? hex : alphabetOf(code)
    if (alphabet !== undefined) change(at, alphabet)
  }
  if (placeCount === 0) return text
  const mask = placeCount >= longPlaces ? replace : feistel
  // What is no hexadecimal number must not become one: that place is taken by another. Walking on ends: a permutation goes round.
  do mask(keyed, purpose)
  while (hexadecimal() !== hex)
  return taken()
}

/** Pure: another text of as many characters of an alphabet; a permutation among these. At most 32 of them. */
export function permuteWithin(keyed: KeyedHash, purpose: string, text: string, alphabet: Alphabet, fixed = 0): string {
  take(text)
  for (let at = fixed; at < length; at++) change(at, alphabet)
  feistel(keyed, purpose)
  return taken()
}

// The text at hand, in memory that stays: most are short, and there are millions of them.
const keptCharacters = 4096
/** Its code points, and how many these are. */
let chars = new Uint32Array(keptCharacters)
let length = 0
/** Of each place that changes where it is, and the number of the alphabet that stands there. */
let places = new Uint32Array(keptCharacters)
let placeAlphabets = new Uint8Array(keptCharacters)
let placeCount = 0
let bytes = Buffer.alloc(keptCharacters)

function take(text: string): void {
  if (text.length > chars.length || chars.length > Math.max(keptCharacters, text.length)) {
    const size = Math.max(keptCharacters, text.length)
    chars = new Uint32Array(size)
    places = new Uint32Array(size)
    placeAlphabets = new Uint8Array(size)
    bytes = Buffer.alloc(size)
  }
  length = 0
  placeCount = 0
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at)
    if (code >= 0xd800 && code < 0xdc00) {
      code = text.codePointAt(at) ?? 0
      if (code > 0xffff) at++
    }
    chars[length++] = code
  }
}

function change(at: number, alphabet: Alphabet): void {
  places[placeCount] = at
  placeAlphabets[placeCount++] = alphabet
}

/** So many arguments are taken by a call. */
const callArguments = 4096

function taken(): string {
  for (let at = 0; at < length; at++) {
    const code = chars[at] ?? 0
    if (code > 0x7f) return codePointsTaken()
    bytes[at] = code
  }
  return bytes.toString('latin1', 0, length)
}

function codePointsTaken(): string {
  let text = ''
  for (let at = 0; at < length; at += callArguments)
    text += String.fromCodePoint(...chars.subarray(at, Math.min(length, at + callArguments)))
  return text
}

const longPlaces = 24
const rounds = 4

/** So many letters and digits, none of them above f, are no chance. */
const hexadecimalPlaces = 16

/** Digits and letters up to f, both of them, in one case: the sixteen digits that it is written in. */
function hexadecimal(): Alphabet | undefined {
  if (length < hexadecimalPlaces) return undefined
  let found = 0
  let count = 0
  for (let at = 0; at < length; at++) {
    const kind = kindOf(chars[at] ?? 0)
    if (kind === 0) continue
    found |= kind
    count++
  }
  if ((found & anotherLetter) !== 0 || (found & aDigit) === 0 || count < hexadecimalPlaces) return undefined
  if (found === (aDigit | aSmallHex)) return hexDigits
  return found === (aDigit | aCapitalHex) ? hexCapitals : undefined
}

/** A Feistel network over the places: each half is shifted, place by place, by a keyed hash of the other. */
function feistel(keyed: KeyedHash, purpose: string): void {
  keyed.begin(purpose)
  keyed.byte(space)
  writeShape(keyed)
  keyed.byte(0)
  const { length: tweak } = keyed
  const middle = placeCount >> 1
  for (let round = 0; round < rounds; round++) {
    const isFirst = round % 2 === 0
    keyed.back(tweak)
    keyed.byte(round)
    for (let index = isFirst ? 0 : middle; index < (isFirst ? middle : placeCount); index++) {
      const code = chars[places[index] ?? 0] ?? 0
      if (code < 0x80) keyed.byte(code)
      else {
        keyed.byte(0x80 | (code & 0x7f))
        keyed.byte(0x80 | ((code >> 7) & 0x7f))
        keyed.byte(code >> 14)
      }
    }
    shift(isFirst ? middle : 0, isFirst ? placeCount : middle, keyed.end())
  }
}

const space = 0x20

/** The text with a mark at each of its places. */
function writeShape(keyed: KeyedHash): void {
  let next = 0
  for (let at = 0; at < length; at++) {
    const code = chars[at] ?? 0
    if (next < placeCount && places[next] === at) {
      keyed.byte(1)
      next++
    } else if (code < 0x80) keyed.byte(code)
    else keyed.text(String.fromCodePoint(code))
  }
}

/** Each place gets a character for the hash of the whole; where that runs out, for the hash of the hash and the place. */
function replace(keyed: KeyedHash, purpose: string): void {
  first.set(keyed.of(purpose, taken()))
  for (let index = 0; index < placeCount; index++) chars[places[index] ?? 0] = 0
  shift(0, Math.min(placeCount, shiftsInHash), first)
  for (let from = shiftsInHash; from < placeCount; from += shiftsInHash) {
    keyed.begin(purpose)
    keyed.byte(0)
    // What no text begins with, so that this is the hash of none.
    keyed.byte(0xff)
    keyed.word(from)
    for (const word of first) keyed.word(word)
    shift(from, Math.min(placeCount, from + shiftsInHash), keyed.end())
  }
}

const first = new Uint32Array(8)
const shiftsInHash = 16

/** Moves the characters of some places on, each as far as 16 bits of a hash say. */
function shift(from: number, to: number, shifts: Uint32Array): void {
  for (let index = from; index < to; index++) {
    const place = places[index] ?? 0
    const nth = index - from
    const word = shifts[nth >> 1] ?? 0
    const distance = nth % 2 === 0 ? word >>> 16 : word & 0xffff
    chars[place] = after(placeAlphabets[index] ?? 0, chars[place] ?? 0, distance)
  }
}
