import { HarnessError } from '../../errors.ts'
import type { DataBlock } from './blocks.ts'
import { signedInteger, truncated } from './cursor.ts'

const rowsBlock = 1
const largeObjectsBlock = 3

type Expected = 'kind' | 'id' | 'object' | 'length' | 'payload'

/**
 * Follows the blocks of data from length to length, whatever the size of the pieces it is fed, without unpacking or
 * keeping anything. It finds every block, also in archives that hold no offsets, and every place a file can be cut at.
 */
export class BlockWalk {
  readonly blocks = new Map<number, DataBlock>()
  readonly #path: string
  readonly #integerSize: number
  readonly #partial: Buffer
  #partialBytes = 0
  #expected: Expected = 'kind'
  #position: number
  #skip = 0
  #kind: DataBlock['kind'] = 'rows'
  #id = 0
  #start = 0

  /** `position`: of the first byte after the table of contents. */
  constructor(path: string, integerSize: number, position: number) {
    this.#path = path
    this.#integerSize = integerSize
    this.#position = position
    this.#partial = Buffer.alloc(1 + integerSize)
  }

  /** Throws `dump.corrupt` for what no archive holds. */
  feed(piece: Buffer): void {
    const integerBytes = 1 + this.#integerSize
    let offset = 0
    while (offset < piece.length) {
      if (this.#expected === 'payload') {
        const step = Math.min(this.#skip, piece.length - offset)
        offset += step
        this.#position += step
        this.#skip -= step
        if (this.#skip === 0) this.#expected = 'length'
      } else if (this.#expected === 'kind') {
        this.#beginBlock(piece[offset] ?? 0)
        offset++
        this.#position++
      } else if (this.#partialBytes === 0 && piece.length - offset >= integerBytes) {
        const value = this.#integer(piece, offset)
        offset += integerBytes
        this.#position += integerBytes
        this.#take(value)
      } else {
        const step = Math.min(integerBytes - this.#partialBytes, piece.length - offset)
        piece.copy(this.#partial, this.#partialBytes, offset, offset + step)
        offset += step
        this.#position += step
        this.#partialBytes += step
        if (this.#partialBytes < integerBytes) return
        this.#partialBytes = 0
        this.#take(this.#integer(this.#partial, 0))
      }
    }
  }

  /** Call it at the end of the file. Throws `dump.truncated` when that is inside a block. */
  end(nameOf: (id: number) => string): void {
    if (this.#expected === 'kind') return
    const place = this.#expected === 'id' ? 'the header of a block of data' : `the data of ${nameOf(this.#id)}`
    throw truncated(this.#path, this.#position, place)
  }

  #take(value: number): void {
    if (this.#expected === 'id') {
      if (value <= 0 || this.blocks.has(value)) this.#corrupt(`a block of data with id ${value}`)
      this.#id = value
      this.#start = this.#position
      this.#expected = this.#kind === 'rows' ? 'length' : 'object'
    } else if (this.#expected === 'object') {
      if (value === 0) this.#endBlock()
      else this.#expected = 'length'
    } else if (value < 0) {
      this.#corrupt('a length below zero')
    } else if (value > 0) {
      this.#skip = value
      this.#expected = 'payload'
    } else if (this.#kind === 'rows') {
      this.#endBlock()
    } else {
      this.#expected = 'object'
    }
  }

  #beginBlock(kind: number): void {
    if (kind !== rowsBlock && kind !== largeObjectsBlock) this.#corrupt(`an unknown kind of block (${kind})`)
    this.#kind = kind === rowsBlock ? 'rows' : 'large-objects'
    this.#expected = 'id'
  }

  #endBlock(): void {
    this.blocks.set(this.#id, { kind: this.#kind, start: this.#start, end: this.#position })
    this.#expected = 'kind'
  }

  #integer(buffer: Buffer, offset: number): number {
    return signedInteger(buffer, offset, this.#integerSize) ?? this.#corrupt('a number out of range')
  }

  #corrupt(what: string): never {
    throw new HarnessError(
      'dump.corrupt',
      `${this.#path} is damaged: ${what} at byte ${this.#position}, among its data. Take the dump again, or copy it again in binary mode.`,
      { facts: { path: this.#path, position: this.#position } },
    )
  }
}
