import { own } from '../archive/pieces.ts'
import { escapeField, unescapeField } from './copy-text.ts'
import { Marks } from './marks.ts'

/** What becomes of the fields of one column. */
export type FieldMask = {
  /** Of a value that is neither NULL nor empty; the same text leaves the field byte for byte as it was. */
  readonly mask: (value: string) => string
  /** Only a value with an `@`, or with the mark of a secret, can change. */
  readonly onlyMarked?: boolean
}

const [tab, newline, at, backslash, dot] = [9, 10, 64, 92, 46]
/** Below so many bytes, looking for the ends of rows takes as long as reading them. */
const worthSkipping = 64
const closingLine = Buffer.from('\\.\n')
const nothing = Buffer.alloc(0)

/**
 * Masks rows of COPY's text format on their way, in pieces that end anywhere. Only fields that may change are ever
 * decoded; memory holds one piece and one field. What comes after the closing `\.` passes as it is.
 */
export class CopyMasker {
  /** Masked values so far, by position of the column. */
  readonly counts: number[]
  readonly #columns: readonly (FieldMask | undefined)[]
  readonly #onRow: () => void
  /** Position after the last column with a mask, and after the last with one that needs no mark. */
  readonly #last: number
  readonly #lastUnmarked: number
  #closed = false
  // Of the field at hand:
  #column = 0
  #pending: Buffer[] = []
  #earlierBytes = 0
  #lastByte = 0
  #escaped = false
  #hasEscapes = false
  #isAscii = true
  #mayBeMarked = false
  // Of the piece at hand:
  #output = nothing
  /** To begin with: what the piece may become. */
  #outputBytes = 0
  #used = 0

  /** `columns` by position. `onRow` is called before the fields of each row that can change. */
  constructor(columns: readonly (FieldMask | undefined)[], onRow: () => void = () => {}) {
    this.#columns = columns
    this.#onRow = onRow
    this.#last = columns.findLastIndex((column) => column !== undefined) + 1
    this.#lastUnmarked = columns.findLastIndex((column) => column !== undefined && !column.onlyMarked) + 1
    this.counts = columns.map(() => 0)
    onRow()
  }

  /** The piece, masked, or itself, where nothing in it changes; without its last field, where that one may change and is not there as a whole yet. */
  push(piece: Buffer): Buffer {
    if (this.#closed || piece.length === 0) return piece
    this.#output = nothing
    this.#outputBytes = piece.length + (piece.length >> 1) + 1024
    this.#used = 0
    let isSame = true
    const marks = new Marks(piece)
    const { hasSecret } = marks
    const last = marks.next(0) < piece.length ? this.#last : this.#lastUnmarked
    const skips = this.#lastUnmarked === 0 && !piece.includes(closingLine)
    this.#mayBeMarked ||= hasSecret || this.#earlierBytes > 0
    let written = 0
    let position = this.#escaped ? 1 : 0
    let start = 0
    this.#escaped = false
    if (skips && this.#column === 0 && this.#earlierBytes === 0) {
      position = lastRowStart(piece, 0, marks.next(0))
      start = position
    }
    while (position < piece.length) {
      const byte = piece[position] ?? 0
      if (byte > backslash && byte < 0x80) position++
      else if (byte === tab || byte === newline) {
        const masked = this.#field(piece, start, position)
        if (masked !== undefined) {
          isSame = false
          if (written < start) this.#copy(piece, written, start)
          this.#write(masked)
          written = position
        }
        if (byte === newline) {
          if (this.#column === 0 && this.#isClosing(piece, start, position)) {
            this.#closed = true
            break
          }
          this.#column = 0
          this.#onRow()
        } else this.#column++
        position++
        start = position
        this.#earlierBytes = 0
        this.#hasEscapes = false
        this.#isAscii = true
        this.#mayBeMarked = hasSecret
        if (this.#column >= last && this.#column > 0) {
          position = rowEnd(piece, position)
          start = position
        } else if (skips && this.#column === 0) {
          position = lastRowStart(piece, position, marks.next(position))
          start = position
        }
      } else if (byte === backslash) {
        this.#hasEscapes = true
        this.#isAscii = false
        position += 2
      } else {
        if (byte === at) this.#mayBeMarked = true
        else if (byte > 0x7f) this.#isAscii = false
        position++
      }
    }
    if (position > piece.length) this.#escaped = true
    const held = !this.#closed && this.#columns[this.#column] !== undefined && start < piece.length
    this.#earlierBytes += piece.length - start
    this.#lastByte = piece.at(-1) ?? 0
    if (isSame && !held) return piece
    this.#copy(piece, written, held ? start : piece.length)
    if (held) this.#pending.push(Buffer.from(piece.subarray(start)))
    return own(this.#output.subarray(0, this.#used), { isAll: true })
  }

  /** What is left once the last piece was pushed: a field without its end. */
  end(): Buffer {
    const left = this.#field(nothing, 0, 0) ?? Buffer.concat(this.#pending)
    this.#pending = []
    return typeof left === 'string' ? Buffer.from(left) : left
  }

  /** What takes the place of the field at hand; undefined: it stays, and none of it was held back. */
  #field(piece: Buffer, start: number, end: number): string | Buffer | undefined {
    const column = this.#columns[this.#column]
    if (column === undefined || (column.onlyMarked && !this.#mayBeMarked && this.#pending.length === 0))
      return undefined
    let held: Buffer | undefined
    if (this.#pending.length > 0) {
      held = Buffer.concat([...this.#pending, piece.subarray(start, end)])
      this.#pending = []
    } else if (start === end) return undefined
    const field = held?.toString('utf8') ?? piece.toString(this.#isAscii ? 'latin1' : 'utf8', start, end)
    // NULL, and the line that closes the rows.
    if (this.#hasEscapes && (field === '\\N' || field === '\\.')) return held
    const value = this.#hasEscapes ? unescapeField(field) : field
    const masked = column.mask(value)
    if (masked === value) return held
    this.counts[this.#column] = (this.counts[this.#column] ?? 0) + 1
    return escapeField(masked)
  }

  #isClosing(piece: Buffer, start: number, end: number): boolean {
    if (!this.#hasEscapes || this.#earlierBytes + end - start !== 2) return false
    return (end > 0 ? piece[end - 1] : this.#lastByte) === dot
  }

  #copy(piece: Buffer, from: number, to: number): void {
    this.#room(to - from)
    this.#used += piece.copy(this.#output, this.#used, from, to)
  }

  #write(masked: string | Buffer): void {
    this.#room(masked.length * 3)
    if (typeof masked !== 'string') {
      this.#used += masked.copy(this.#output, this.#used)
      return
    }
    const output = this.#output
    const from = this.#used
    // Most are short and ASCII: one by one they are written sooner than a call of the runtime begins.
    for (let at = 0; at < masked.length; at++) {
      const code = masked.charCodeAt(at)
      if (code > 0x7f) {
        this.#used = from + output.write(masked, from, 'utf8')
        return
      }
      output[from + at] = code
    }
    this.#used = from + masked.length
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#output.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max((this.#used + bytes) * 2, this.#outputBytes))
    this.#output.copy(larger, 0, 0, this.#used)
    this.#output = larger
  }
}

/** Where the row ends, from the beginning of one of its fields on; where the piece cannot tell, that beginning. */
function rowEnd(piece: Buffer, from: number): number {
  for (let end = piece.indexOf(newline, from); end >= 0; end = piece.indexOf(newline, end + 1))
    if (!isEscaped(piece, end, from)) return end
  return from
}

/** Whether a backslash takes the byte's meaning away; nothing in front of `from` does. */
function isEscaped(piece: Buffer, at: number, from: number): boolean {
  let slashes = 0
  while (at - 1 - slashes >= from && piece[at - 1 - slashes] === backslash) slashes++
  return slashes % 2 === 1
}

/** Where the row begins that has the byte at `before`, or the piece's last one; no earlier than `from`, where one begins. */
function lastRowStart(piece: Buffer, from: number, before: number): number {
  if (before - from < worthSkipping) return from
  for (let end = piece.lastIndexOf(newline, before - 1); end >= from; end = piece.lastIndexOf(newline, end - 1)) {
    if (!isEscaped(piece, end, from)) return end + 1
    if (end === 0) break
  }
  return from
}
