import { type FileHandle, open } from 'node:fs/promises'
import { HarnessError } from '../../errors.ts'
import { signedInteger } from './cursor.ts'
import { pieceBytes } from './pieces.ts'

/** Where the data of an entry stands in a custom archive. */
export type DataBlock = {
  readonly kind: 'rows' | 'large-objects'
  /** Of the first byte after the block's header, and of the first byte after the block. */
  readonly start: number
  readonly end: number
}

type BlockFile = { readonly path: string; readonly name: string; readonly integerSize: number }

/** Reads one block from its start, length by length, in large reads. */
export class BlockReader implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #integerSize: number
  readonly #name: string
  readonly #end: number
  #position: number
  readonly #memory: Buffer
  #window: Buffer
  #offset = 0

  private constructor(file: FileHandle, { name, integerSize }: BlockFile, block: DataBlock) {
    this.#file = file
    this.#integerSize = integerSize
    this.#name = name
    // What is left of one read is never more than an integer.
    this.#memory = Buffer.allocUnsafeSlow(pieceBytes + 1 + integerSize)
    this.#window = this.#memory.subarray(0, 0)
    this.#position = block.start
    this.#end = block.end
  }

  static async open(file: BlockFile, block: DataBlock): Promise<BlockReader> {
    return new BlockReader(await open(file.path, 'r'), file, block)
  }

  async integer(): Promise<number> {
    const length = 1 + this.#integerSize
    if (this.#window.length - this.#offset < length) await this.#fill()
    return this.#length()
  }

  /**
   * The bytes between here and the next length of 0, in pieces, the lengths between them taken out. Without `keep`, a
   * piece holds until the next one is asked for.
   */
  async *payload({ keep }: { readonly keep: boolean }): AsyncGenerator<Buffer> {
    const integerBytes = 1 + this.#integerSize
    let piece = Buffer.allocUnsafeSlow(pieceBytes)
    let used = 0
    let left = 0
    for (;;) {
      if (left === 0) {
        if (this.#window.length - this.#offset < integerBytes) await this.#fill()
        left = this.#length()
        if (left === 0) break
      }
      if (this.#offset === this.#window.length) await this.#fill()
      const step = Math.min(left, this.#window.length - this.#offset, pieceBytes - used)
      if (step === 0) throw blockChanged(this.#name)
      this.#window.copy(piece, used, this.#offset, this.#offset + step)
      this.#offset += step
      used += step
      left -= step
      if (used === pieceBytes) {
        yield piece
        if (keep) piece = Buffer.allocUnsafeSlow(pieceBytes)
        used = 0
      }
    }
    if (used > 0) yield piece.subarray(0, used)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close()
  }

  #length(): number {
    const length = 1 + this.#integerSize
    const whole = this.#window.length - this.#offset >= length
    const value = whole ? signedInteger(this.#window, this.#offset, this.#integerSize) : undefined
    if (value === undefined) throw blockChanged(this.#name)
    this.#offset += length
    return value
  }

  /** Drops what was read and reads on: afterwards the window starts at the next byte. */
  async #fill(): Promise<void> {
    const rest = this.#window.subarray(this.#offset)
    const window = this.#memory.subarray(0, rest.length + Math.min(pieceBytes, this.#end - this.#position))
    rest.copy(window)
    let filled = rest.length
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, this.#position)
      if (bytesRead === 0) throw blockChanged(this.#name)
      filled += bytesRead
      this.#position += bytesRead
    }
    this.#window = window
    this.#offset = 0
  }
}

export function blockChanged(name: string): HarnessError {
  return new HarnessError('dump.corrupt', `${name} is no longer what it was when it was first read. Run again.`, {
    facts: { path: name },
  })
}
