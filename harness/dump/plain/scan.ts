import { beginsWord, byte, isDigit, isInWord } from './bytes.ts'

/**
 * How far a scan came: `at` is where to go on, `done` whether its end was found. What is before `at` need not be seen
 * again when more bytes come. `ended`: no more bytes come.
 */
export type Scan = { readonly at: number; readonly done: boolean }

/** From behind the opening quote to behind the closing one; doubled quotes are content. */
export function scanQuotes(bytes: Buffer, start: number, quote: number, escapes: boolean, ended: boolean): Scan {
  for (let at = start; ; ) {
    const close = bytes.indexOf(quote, at)
    const end = close < 0 ? bytes.length : close
    const backslash = escapes ? bytes.subarray(at, end).indexOf(byte.backslash) : -1
    if (backslash >= 0) {
      at += backslash + 2
      if (at > bytes.length) return { at: bytes.length - 1, done: false }
      continue
    }
    if (close < 0) return { at: bytes.length, done: false }
    const next = bytes[close + 1]
    if (next === undefined && !ended) return { at: close, done: false }
    if (next !== quote) return { at: close + 1, done: true }
    at = close + 2
  }
}

/** Inside a block comment; `depth` says how many are open at `at`. */
export function scanComment(bytes: Buffer, start: number, depth: number): Scan & { readonly depth: number } {
  let [at, open] = [start, depth]
  while (at + 1 < bytes.length) {
    const [char, next] = [bytes[at], bytes[at + 1]]
    if (char === byte.slash && next === byte.star) open++
    else if (char === byte.star && next === byte.slash) open--
    else {
      at++
      continue
    }
    at += 2
    if (open === 0) return { at, done: true, depth: 0 }
  }
  return { at, done: false, depth: open }
}

/** To behind the closing tag of a dollar quote. */
export function scanDollar(bytes: Buffer, start: number, tag: Buffer): Scan {
  const found = bytes.indexOf(tag, start)
  if (found < 0) return { at: Math.max(start, bytes.length - tag.length + 1), done: false }
  return { at: found + tag.length, done: true }
}

/** The opening tag at `start`: `$$`, `$tag$`; `none` for another use of the sign, undefined while that is open. */
export function scanTag(bytes: Buffer, start: number, ended: boolean): Buffer | 'none' | undefined {
  let end = start + 1
  while (end < bytes.length && isInTag(bytes[end] as number, end === start + 1)) end++
  if (end === bytes.length && !ended) return undefined
  return bytes[end] === byte.dollar ? Buffer.from(bytes.subarray(start, end + 1)) : 'none'
}

function isInTag(char: number, first: boolean): boolean {
  return beginsWord(char) || (!first && isDigit(char))
}

const endOfRows = Buffer.from('\n\\.')

/**
 * The `\.` line after rows of COPY; every place that `at` may stand at is no further than the newline in front of it.
 * `rowsEnd`: behind that newline. `at`: before the newline that closes the line itself.
 */
export function scanRows(bytes: Buffer, start: number, ended: boolean): Scan & { readonly rowsEnd: number } {
  for (let at = start; ; ) {
    const found = bytes.indexOf(endOfRows, at)
    if (found < 0) return { at: Math.max(at, bytes.length - 2), done: false, rowsEnd: 0 }
    let end = found + 3
    if (bytes[end] === byte.return) end++
    if (end >= bytes.length && !ended) return { at: found, done: false, rowsEnd: 0 }
    if (end >= bytes.length || bytes[end] === byte.newline) return { at: end, done: true, rowsEnd: found + 1 }
    at = found + 1
  }
}

/** The end of a word or number; undefined while it may go on. */
export function endOfWord(bytes: Buffer, start: number, ended: boolean): number | undefined {
  let end = start
  while (end < bytes.length && isInWord(bytes[end] as number)) end++
  return end < bytes.length || ended ? end : undefined
}

/** The end of the line, before its newline; undefined while it may go on. */
export function endOfLine(bytes: Buffer, start: number, ended: boolean): number | undefined {
  const newline = bytes.indexOf(byte.newline, start)
  if (newline >= 0) return newline
  return ended ? bytes.length : undefined
}
