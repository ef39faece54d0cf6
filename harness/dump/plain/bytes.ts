/** Bytes that the reader of scripts tells apart. */
export const byte = {
  newline: 0x0a,
  return: 0x0d,
  quote: 0x27,
  doubleQuote: 0x22,
  dollar: 0x24,
  open: 0x28,
  close: 0x29,
  star: 0x2a,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  slash: 0x2f,
  semicolon: 0x3b,
  backslash: 0x5c,
} as const

export function isSpace(char: number): boolean {
  return char === 0x20 || (char >= 0x09 && char <= 0x0d)
}

/** Letters, `_` and every byte of a character beyond ASCII. */
export function beginsWord(char: number): boolean {
  return (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a) || char === 0x5f || char >= 0x80
}

export function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39
}

export function isInWord(char: number): boolean {
  return beginsWord(char) || isDigit(char) || char === byte.dollar
}

export function countNewlines(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at++) if (bytes[at] === byte.newline) count++
  return count
}
