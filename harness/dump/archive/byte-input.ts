/** The stream ended where more had to come. */
export class CutOff extends Error {
  override readonly name = 'CutOff'
  override readonly message = 'cut off'
}

/** Takes bytes in any number from a stream of pieces of any size. Disposing of it lets go of the stream. */
export class ByteInput implements Disposable {
  readonly #source: AsyncIterator<Buffer>
  #buffer: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async has(length: number): Promise<boolean> {
    const pieces = [this.#buffer]
    let available = this.#buffer.length
    while (available < length) {
      const piece = await this.#source.next()
      if (piece.done) break
      pieces.push(piece.value)
      available += piece.value.length
    }
    if (pieces.length > 1) this.#buffer = Buffer.concat(pieces)
    return available >= length
  }

  /** Throws `CutOff` when the stream ends before. */
  async take(length: number): Promise<Buffer> {
    if (!(await this.has(length))) throw new CutOff()
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }

  /** Throws `CutOff` when the stream ends before. */
  async skip(length: number): Promise<void> {
    let left = length
    while (left > 0) {
      if (this.#buffer.length === 0 && !(await this.has(1))) throw new CutOff()
      const step = Math.min(left, this.#buffer.length)
      this.#buffer = this.#buffer.subarray(step)
      left -= step
    }
  }

  /** The next bytes, without taking them: fewer than asked for at the end of the stream. */
  async peek(length: number): Promise<Buffer> {
    await this.has(length)
    return this.#buffer.subarray(0, length)
  }

  /** All that was not taken. */
  async *rest(): AsyncGenerator<Buffer> {
    const first = this.#buffer
    this.#buffer = Buffer.alloc(0)
    if (first.length > 0) yield first
    try {
      for (let piece = await this.#source.next(); !piece.done; piece = await this.#source.next()) yield piece.value
    } finally {
      await this.#source.return?.()
    }
  }

  /** Not waited for: one that is read from elsewhere may have its next piece to come yet. */
  [Symbol.dispose](): void {
    this.#source.return?.().catch(() => {})
  }
}
