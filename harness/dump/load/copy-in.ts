import type { Submittable, Connection as Wire } from 'pg'
import type { Connection } from '../../database/engine.ts'
import { release } from '../archive/pieces.ts'

/**
 * Sends rows through a `COPY … FROM stdin`, which other statements may stand in front of, piece by piece, and tells how
 * many the server took. Each piece is given up: its memory is free once the server has it. Throws Postgres' error, or
 * what `pieces` throws, after which the server has dropped the rows.
 */
export async function copyIn(
  connection: Connection,
  statement: string,
  pieces: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): Promise<number> {
  const copy = new CopyIn(statement)
  connection.query(copy)
  await Promise.race([copy.asked, copy.ended])
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted()
      if (copy.hasEnded) break
      await copy.send(piece)
      release(piece)
    }
  } catch (error) {
    copy.cancel()
    await copy.ended.catch(() => {})
    throw error
  }
  copy.finish()
  return await copy.ended
}

/** Types of messages and what stands before their payload: a letter and the length. */
const [copyData, copyDone, copyFail] = [0x64, 0x63, 0x66]
const headBytes = 5

/** What `pg` calls while the statement is the one at work. Written without a stream, which would cost more than the sending. */
class CopyIn implements Submittable {
  readonly asked: Promise<void>
  readonly ended: Promise<number>
  hasEnded = false
  readonly #statement: string
  readonly #asked = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<number>()
  #wire: Wire | undefined
  #rows = 0
  #error: Error | undefined

  constructor(statement: string) {
    this.#statement = statement
    this.asked = this.#asked.promise
    this.ended = this.#ended.promise
    // It may fail while a piece is on its way, before anyone waits for it.
    this.ended.catch(() => {})
  }

  /** Done when the socket has taken the piece, so that no more than one is ever held for it. */
  send(piece: Buffer): Promise<void> {
    const stream = this.#wire?.stream
    if (stream === undefined || piece.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      stream.cork()
      stream.write(head(copyData, piece.length))
      // A socket that breaks ends the statement, too, and that is where it is told.
      stream.write(piece, () => resolve())
      stream.uncork()
    })
  }

  finish(): void {
    if (!this.hasEnded) this.#wire?.stream.write(head(copyDone, 0))
  }

  /** The text is for the server, which tells it in an error that nobody reads. */
  cancel(): void {
    if (!this.hasEnded) this.#wire?.stream.write(Buffer.concat([head(copyFail, 1), Buffer.alloc(1)]))
  }

  submit(wire: Wire): void {
    this.#wire = wire
    wire.query(this.#statement)
  }

  handleCopyInResponse(): void {
    this.#asked.resolve()
  }

  handleCommandComplete({ text }: { readonly text?: string }): void {
    const [, rows] = /^COPY (\d+)/.exec(text ?? '') ?? []
    if (rows !== undefined) this.#rows = Number(rows)
  }

  handleError(error: Error): void {
    this.#error ??= error
    this.#settle()
  }

  handleReadyForQuery(): void {
    this.#settle()
  }

  // Answers to the statements in front.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}

  #settle(): void {
    this.hasEnded = true
    if (this.#error === undefined) this.#ended.resolve(this.#rows)
    else this.#ended.reject(this.#error)
  }
}

function head(type: number, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes)
  bytes[0] = type
  bytes.writeUInt32BE(payloadBytes + 4, 1)
  return bytes
}
