import { byte } from './bytes.ts'

/** By the byte to escape: the letter after its backslash in COPY's text format. */
const escapes: Readonly<Record<number, number>> = { 9: 0x74, 10: 0x6e, 13: 0x72, 92: 0x5c }

/** Writes rows in COPY's text format, value by value. */
export class CopyText {
  #buffer = Buffer.allocUnsafe(64 * 1024)
  #length = 0
  #firstValue = true
  #begun = false

  /** A piece of the current value, from `start` to `end`. */
  bytes(source: Buffer, start: number, end: number): void {
    this.#begin()
    // Twice as much when every byte is escaped.
    this.#reserve(2 * (end - start))
    for (let at = start; at < end; at++) {
      const char = source[at] as number
      const letter = char <= 0x5c ? escapes[char] : undefined
      if (letter !== undefined) this.#buffer[this.#length++] = byte.backslash
      this.#buffer[this.#length++] = letter ?? char
    }
  }

  text(value: string): void {
    const bytes = Buffer.from(value)
    this.bytes(bytes, 0, bytes.length)
  }

  null(): void {
    this.#begin()
    this.#raw('\\N')
  }

  endValue(): void {
    this.#begin()
    this.#begun = false
    this.#firstValue = false
  }

  endRow(): void {
    this.#raw('\n')
    this.#begun = false
    this.#firstValue = true
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#length))
    this.#length = 0
    return taken
  }

  /** Values that follow another one in their row have a tab in front. */
  #begin(): void {
    if (!this.#begun && !this.#firstValue) this.#raw('\t')
    this.#begun = true
  }

  #raw(text: string): void {
    this.#reserve(text.length)
    this.#length += this.#buffer.write(text, this.#length, 'latin1')
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
