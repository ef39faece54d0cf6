import { isUtf8 } from 'node:buffer'
import { HarnessError } from '../../errors.ts'
import { countNewlines } from './bytes.ts'

/** Finds the first byte of a script that is no UTF-8, wherever the script is cut into pieces. */
export class Utf8Check {
  readonly #name: string
  /** Bytes of a character that the last piece began. */
  #begun: Buffer = Buffer.alloc(0)
  #offset = 0
  #line = 1

  constructor(name: string) {
    this.#name = name
  }

  /** Throws `dump.corrupt` with the line and the offset. */
  feed(piece: Buffer): void {
    const bytes = this.#begun.length > 0 ? Buffer.concat([this.#begun, piece]) : piece
    const end = bytes.length - unfinished(bytes)
    if (!isUtf8(bytes.subarray(0, end)) || bytes.subarray(0, end).includes(0)) throw this.#problem(bytes)
    this.#line += countNewlines(bytes, 0, end)
    this.#offset += end
    this.#begun = bytes.subarray(end)
  }

  end(): void {
    if (this.#begun.length > 0) throw this.#problem(this.#begun)
  }

  #problem(bytes: Buffer): HarnessError {
    const at = firstInvalid(bytes)
    const line = this.#line + countNewlines(bytes, 0, at)
    const what = bytes[at] === 0 ? 'a zero byte' : 'text that is not UTF-8'
    return new HarnessError(
      'dump.corrupt',
      `${this.#name}:${line} holds ${what}, at byte ${this.#offset + at}. Take the dump again with pg_dump --encoding=UTF8, and copy it in binary mode.`,
      { facts: { path: this.#name, line, position: this.#offset + at } },
    )
  }
}

/** How many bytes at the end begin a character that more bytes may finish. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const char = bytes[bytes.length - back] as number
    if (char < 0x80) return 0
    if (char >= 0xc0) {
      const length = char >= 0xf0 ? 4 : char >= 0xe0 ? 3 : 2
      return length > back ? back : 0
    }
  }
  return 0
}

function firstInvalid(bytes: Buffer): number {
  let [low, high] = [0, bytes.length]
  // The longest valid beginning: a cut inside a character does not count as invalid.
  while (low < high) {
    const middle = (low + high + 1) >> 1
    const head = bytes.subarray(0, middle)
    const whole = head.subarray(0, middle - unfinished(head))
    if (isUtf8(whole) && !whole.includes(0)) low = middle
    else high = middle - 1
  }
  const head = bytes.subarray(0, low)
  return low - unfinished(head)
}
