import type { KeyedHash } from './keyed-hash.ts'

/**
 * Pure: another text of the same shape: digits stay digits, small letters small letters, a hexadecimal number one; every
 * other character stays. Among the ASCII texts of one shape it is a permutation, so that two different texts never
 * become the same one. (From `longPlaces` characters on the hash alone sees to that: there are 2⁸⁰ and more to become.)
 * `fixed`: so many characters at the beginning stay, whatever they are.
 */
export function permute(keyed: KeyedHash, purpose: string, text: string, fixed = 0): string {
  const hex = hexadecimal(text)
  const chars = Array.from(text)
  const places: Place[] = []
  for (const [at, char] of chars.entries()) {
    const alphabet = at < fixed ? undefined : hex?.includes(char) ? hex : alphabetOf(char)
    if (alphabet !== undefined) places.push({ at, alphabet })
  }
  if (places.length === 0) return text
  const mask = places.length >= longPlaces ? replaced : feistel
  let permuted = chars
  // What is no hexadecimal number must not become one: that place is taken by another. Walking on ends: a permutation goes round.
  do permuted = mask(keyed, purpose, permuted, places)
  while (hexadecimal(permuted.join('')) !== hex)
  return permuted.join('')
}

/** Pure: another text of as many characters of an alphabet; a permutation among these. At most 32 of them. */
export function permuteWithin(keyed: KeyedHash, purpose: string, text: string, alphabet: string, fixed = 0): string {
  const chars = [...text]
  const places = chars.flatMap((_, at) => (at < fixed ? [] : [{ at, alphabet }]))
  return feistel(keyed, purpose, chars, places).join('')
}

const longPlaces = 24
const rounds = 4
const digits = '0123456789'
const small = 'abcdefghijklmnopqrstuvwxyz'
const capital = small.toUpperCase()

function alphabetOf(char: string): string | undefined {
  if (char >= '0' && char <= '9') return digits
  if (char >= 'a' && char <= 'z') return small
  if (char >= 'A' && char <= 'Z') return capital
  return char > '\x7f' && /[\p{L}\p{N}]/u.test(char) ? small : undefined
}

/** So many letters and digits, none of them above f, are no chance. */
const hexadecimalPlaces = 16

/** Digits and letters up to f, both of them, in one case: the sixteen digits that it is written in. */
function hexadecimal(text: string): string | undefined {
  if (text.length < hexadecimalPlaces || !/\d/.test(text)) return undefined
  if (text.replace(/[^0-9a-zA-Z]/g, '').length < hexadecimalPlaces) return undefined
  if (/[a-f]/.test(text) && !/[g-zA-Z]/.test(text)) return `${digits}abcdef`
  return /[A-F]/.test(text) && !/[G-Za-z]/.test(text) ? `${digits}ABCDEF` : undefined
}

type Place = { readonly at: number; readonly alphabet: string }

/** A Feistel network over the places: each half is shifted, place by place, by a keyed hash of the other. */
function feistel(keyed: KeyedHash, purpose: string, text: readonly string[], places: readonly Place[]): string[] {
  const chars = [...text]
  const shape = [...text]
  for (const { at } of places) shape[at] = '·'
  const middle = places.length >> 1
  const halves = [places.slice(0, middle), places.slice(middle)] as const
  for (let round = 0; round < rounds; round++) {
    const [moved, other] = round % 2 === 0 ? [halves[1], halves[0]] : [halves[0], halves[1]]
    const shifts = keyed(`${purpose} ${round} ${shape.join('')}`, other.map(({ at }) => chars[at]).join(''))
    moved.forEach((place, index) => {
      chars[place.at] = shifted(chars[place.at], place.alphabet, shifts, index)
    })
  }
  return chars
}

function replaced(keyed: KeyedHash, purpose: string, text: readonly string[], places: readonly Place[]): string[] {
  const chars = [...text]
  const whole = text.join('')
  let shifts = ''
  places.forEach(({ at, alphabet }, index) => {
    if (index % 16 === 0) shifts = keyed(`${purpose} long ${index}`, whole)
    chars[at] = shifted('', alphabet, shifts, index % 16)
  })
  return chars
}

/** A character that many places on in the alphabet as the index-th four digits of a hash say. */
function shifted(char = '', alphabet: string, shifts: string, index: number): string {
  const from = char === '' ? 0 : Math.max(0, alphabet.indexOf(char))
  const shift = Number.parseInt(shifts.slice(index * 4, index * 4 + 4), 16)
  return alphabet[(from + shift) % alphabet.length] ?? ''
}
