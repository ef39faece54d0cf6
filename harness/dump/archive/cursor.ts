import { isUtf8 } from 'node:buffer'
import { readSync } from 'node:fs'
import { HarnessError } from '../../errors.ts'

const windowBytes = 1 << 20

/**
 * Reads the head of an archive (header and table of contents) value by value. Every value is checked against what is
 * left of the file, so that a wrong length ends in `dump.truncated` or `dump.corrupt` and never in a huge allocation.
 */
export class ArchiveCursor {
  /** What is being read, for messages: "the header". */
  place = 'the header'
  integerSize = 4
  readonly path: string
  readonly size: number
  /** Turns the bytes of a text into one; undefined for bytes that are none. */
  decode: (bytes: Buffer) => string | undefined = (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined)
  readonly #file: number
  readonly #start: number
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0
  #offset = 0

  /** `path`: for messages. `start`: of the archive in its file, where it is inside another; `size`: its bytes. */
  constructor(file: number, path: string, size: number, start = 0) {
    this.#file = file
    this.path = path
    this.size = size
    this.#start = start
  }

  /** Of the next byte, from the start of the archive. */
  get position(): number {
    return this.#windowStart + this.#offset
  }

  byte(): number {
    return this.bytes(1).readUInt8(0)
  }

  /** Valid until the next read. */
  bytes(length: number): Buffer {
    if (this.#offset + length > this.#window.length) this.#fill(length)
    this.#offset += length
    return this.#window.subarray(this.#offset - length, this.#offset)
  }

  /** A sign byte, then the digits, lowest first. */
  integer(): number {
    return signedInteger(this.bytes(1 + this.integerSize), 0, this.integerSize) ?? this.corrupt('a number out of range')
  }

  /** A length and as many bytes of UTF-8; undefined for the length -1. */
  text(): string | undefined {
    const length = this.integer()
    if (length < 0) return undefined
    return this.decode(this.bytes(length)) ?? this.corrupt('a text that is not in its encoding')
  }

  /** Starts again, from the first byte. */
  rewind(): void {
    this.#window = Buffer.alloc(0)
    this.#windowStart = 0
    this.#offset = 0
  }

  corrupt(what: string): never {
    throw new HarnessError(
      'dump.corrupt',
      `${this.path} is damaged: ${what} at byte ${this.position}, in ${this.place}. Take the dump again, or copy it again in binary mode.`,
      { facts: { path: this.path, position: this.position } },
    )
  }

  #fill(length: number): void {
    const position = this.position
    if (position + length > this.size) throw truncated(this.path, this.size, this.place)
    const window = Buffer.allocUnsafe(Math.max(length, Math.min(windowBytes, this.size - position)))
    for (let filled = 0; filled < window.length; ) {
      const read = readSync(this.#file, window, filled, window.length - filled, this.#start + position + filled)
      if (read === 0) throw truncated(this.path, this.size, this.place)
      filled += read
    }
    this.#window = window
    this.#windowStart = position
    this.#offset = 0
  }
}

/** Of `1 + size` bytes at `offset`; undefined when it is no safe integer or its sign byte is neither 0 nor 1. */
export function signedInteger(buffer: Buffer, offset: number, size: number): number | undefined {
  const sign = buffer[offset]
  if (sign === undefined || sign > 1) return undefined
  const value = size === 4 ? buffer.readUInt32LE(offset + 1) : Number(buffer.readBigUInt64LE(offset + 1))
  if (!Number.isSafeInteger(value)) return undefined
  return sign === 0 ? value : -value
}

export function truncated(path: string, size: number, place: string): HarnessError {
  return new HarnessError(
    'dump.truncated',
    `${path} is cut off: its ${size.toLocaleString('en')} bytes end inside ${place}. Copy or take the dump again.`,
    { facts: { path, bytes: size, place } },
  )
}
