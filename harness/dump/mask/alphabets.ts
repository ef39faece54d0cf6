/** Characters that take one another's place, by their number here. */
export type Alphabet = 0 | 1 | 2 | 3 | 4

export const [digits, hexDigits, hexCapitals, small, capital] = [0, 1, 2, 3, 4] as const satisfies readonly Alphabet[]

const characters = [
  '0123456789',
  '0123456789abcdef',
  '0123456789ABCDEF',
  'abcdefghijklmnopqrstuvwxyz',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
]

// One table for all of them each: this is looked at for every character that is masked.
const codes = 128
/** At least two times the largest. */
const room = 64
const sizes = Uint8Array.from(characters, ({ length }) => length)
/** A 32nd of 2³² by the size: multiplied, it divides 16 bits. */
const inverses = Uint32Array.from(characters, ({ length }) => Math.ceil(2 ** 21 / length))
/** Where a character stands in its alphabet; 0 where it is in another. */
const placeOf = new Uint8Array(characters.length * codes)
/** Twice after one another, so that going on from a place never leaves the table. */
const characterAt = new Uint8Array(characters.length * room)
for (const [number, text] of characters.entries()) {
  for (const [at, character] of [...text].entries()) placeOf[number * codes + character.charCodeAt(0)] = at
  for (const [at, character] of [...text, ...text].entries()) characterAt[number * room + at] = character.charCodeAt(0)
}

/** The character that many places on (16 bits), round and round; of one that is not in the alphabet, from its first. */
export function after(alphabet: number, code: number, places: number): number {
  const size = sizes[alphabet] ?? 0
  const turns = Math.floor((places * (inverses[alphabet] ?? 0)) / 2 ** 21)
  const from = code < codes ? (placeOf[alphabet * codes + code] ?? 0) : 0
  return characterAt[alphabet * room + from + places - turns * size] ?? 0
}

/** What a character may be part of, as bits. */
export const [aDigit, aSmallHex, aCapitalHex, anotherLetter] = [1, 2, 4, 8] as const
const kinds = new Uint8Array(codes)
for (const character of '0123456789') kinds[character.charCodeAt(0)] = aDigit
for (const character of 'abcdef') kinds[character.charCodeAt(0)] = aSmallHex
for (const character of 'ABCDEF') kinds[character.charCodeAt(0)] = aCapitalHex
for (const character of 'ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ') kinds[character.charCodeAt(0)] = anotherLetter

export function kindOf(code: number): number {
  return code < codes ? (kinds[code] ?? 0) : 0
}

/** Of a letter or a digit of whatever script; undefined: the character is neither. */
export function alphabetOf(code: number): Alphabet | undefined {
  if (code >= 0x30 && code <= 0x39) return digits
  if (code >= 0x61 && code <= 0x7a) return small
  if (code >= 0x41 && code <= 0x5a) return capital
  return code > 0x7f && /[\p{L}\p{N}]/u.test(String.fromCodePoint(code)) ? small : undefined
}
