import { secretMarks } from './mentions.ts'

const marks = ['@', ...secretMarks].map((mark) => Buffer.from(mark))

/** Where a piece has what only fields with an address or a secret have. */
export class Marks {
  /** Whether a secret may begin anywhere in it. */
  readonly hasSecret: boolean
  readonly #piece: Buffer
  /** Of each mark the first place from where it was last asked for; the piece's end where there is none. */
  readonly #places: number[]

  constructor(piece: Buffer) {
    this.#piece = piece
    this.#places = marks.map((mark) => placeOf(piece, mark, 0))
    this.hasSecret = this.#places.some((place, at) => at > 0 && place < piece.length)
  }

  /** The first place from `from` on, which never goes back; the piece's end: none. */
  next(from: number): number {
    let first = this.#piece.length
    for (let at = 0; at < marks.length; at++) {
      const mark = marks[at]
      let place = this.#places[at] ?? first
      if (place < from && mark !== undefined) {
        place = placeOf(this.#piece, mark, from)
        this.#places[at] = place
      }
      if (place < first) first = place
    }
    return first
  }
}

function placeOf(piece: Buffer, mark: Buffer, from: number): number {
  const place = piece.indexOf(mark, from)
  return place < 0 ? piece.length : place
}
