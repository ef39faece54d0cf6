import { beginsWord, byte, isInWord, isSpace } from './bytes.ts'
import type { CopyText } from './copy-text.ts'

type State = 'row' | 'value' | 'string' | 'escape' | 'quote' | 'word' | 'after-value' | 'after-row' | 'done'

const number = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/
const simpleEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Reads what follows VALUES in the INSERT statements that pg_dump writes, wherever its input is cut: rows of literals,
 * then `;` or `ON CONFLICT DO NOTHING;`. Anything else (a call, a subquery) is a problem: it would run on the server.
 */
export class InsertValues {
  rows = 0
  /** What stands there that pg_dump does not write; nothing is read any more then. */
  problem: string | undefined
  readonly #escapes: boolean
  readonly #sink: CopyText | undefined
  #state: State = 'row'
  /** In the string being read backslashes escape. */
  #escaping = false
  #word = ''
  #column = 0
  #columns: number | undefined
  #defaultsOfRow: number[] = []
  #defaults: readonly number[] | undefined

  /** `escapes`: backslashes escape in plain strings too. `noValues`: it is DEFAULT VALUES, a row of nothing. */
  constructor(options: {
    readonly escapes: boolean
    readonly noValues: boolean
    readonly sink?: CopyText | undefined
  }) {
    this.#escapes = options.escapes
    this.#sink = options.sink
    if (options.noValues) this.#endRow()
  }

  /** Indexes of the columns that are DEFAULT, which is in every row or in none. */
  get defaults(): readonly number[] {
    return this.#defaults ?? []
  }

  /** Reads `bytes` from `at` on. The offset after the closing `;`, or `bytes.length` while that has not come. */
  read(bytes: Buffer, at: number): { readonly at: number; readonly done: boolean } {
    let here = at
    while (here < bytes.length && this.problem === undefined && this.#state !== 'done') {
      if (this.#state === 'string') here = this.#string(bytes, here)
      else if (this.#step(bytes[here] as number)) here++
    }
    return { at: here, done: this.#state === 'done' }
  }

  /** False when the byte is to be looked at again, in the state that it led to. */
  #step(char: number): boolean {
    switch (this.#state) {
      case 'row':
        if (isSpace(char)) return true
        if (char !== byte.open) return this.#refuse('something other than a row of values')
        this.#column = 0
        this.#defaultsOfRow = []
        return this.#go('value')
      case 'value':
        return this.#beginValue(char)
      case 'escape':
        return this.#afterBackslash(char)
      case 'quote':
        // Doubled, a quote stands for itself; else the string ended with it.
        if (char !== byte.quote) return !this.#go('after-value')
        this.#sink?.text("'")
        return this.#go('string')
      case 'word':
        return this.#growWord(char)
      case 'after-value':
        return this.#afterValue(char)
      default:
        return this.#afterRow(char)
    }
  }

  #go(state: State): true {
    this.#state = state
    return true
  }

  #refuse(what: string): true {
    this.problem = what
    return true
  }

  /** Up to the next quote, or backslash where those escape. */
  #string(bytes: Buffer, at: number): number {
    const quote = bytes.indexOf(byte.quote, at)
    let end = quote < 0 ? bytes.length : quote
    if (this.#escaping) {
      const backslash = bytes.subarray(at, end).indexOf(byte.backslash)
      if (backslash >= 0) end = at + backslash
    }
    this.#sink?.bytes(bytes, at, end)
    if (end === bytes.length) return end
    this.#state = bytes[end] === byte.quote ? 'quote' : 'escape'
    return end + 1
  }

  #afterBackslash(char: number): boolean {
    const letter = String.fromCharCode(char)
    if (/[0-7xuU]/.test(letter)) return this.#refuse('an escape of a character by its number')
    if (char >= 0x80) return !this.#go('string')
    this.#sink?.text(simpleEscapes[letter] ?? letter)
    return this.#go('string')
  }

  #beginValue(char: number): boolean {
    if (isSpace(char)) return true
    this.#word = ''
    if (char !== byte.quote) return !this.#go('word')
    this.#escaping = this.#escapes
    this.#sink?.text('')
    return this.#go('string')
  }

  #growWord(char: number): boolean {
    const word = this.#word.toLowerCase()
    const sign = char === byte.minus || char === byte.plus
    if (isInWord(char) || char === byte.dot || (sign && (word === '' || /^[-.\d]+e$/.test(word)))) {
      this.#word += String.fromCharCode(char)
      return this.#word.length > 200_000 ? this.#refuse('a word without an end') : true
    }
    if (char === byte.quote && (word === 'e' || word === 'b')) {
      this.#escaping = word === 'e'
      return this.#go('string')
    }
    if (number.test(word) || word === 'true' || word === 'false') this.#sink?.text(word)
    else if (word === 'null') this.#sink?.null()
    else if (word === 'default') this.#defaultsOfRow.push(this.#column)
    else return this.#refuse('a value that is no literal')
    return !this.#go('after-value')
  }

  #afterValue(char: number): boolean {
    if (isSpace(char)) return true
    if (char !== byte.comma && char !== byte.close) return this.#refuse('a value that is no literal')
    if (this.#defaultsOfRow.at(-1) !== this.#column) this.#sink?.endValue()
    this.#column++
    if (char === byte.comma) return this.#go('value')
    return this.#endRow()
  }

  #endRow(): true {
    this.#columns ??= this.#column
    this.#defaults ??= this.#defaultsOfRow
    if (this.#columns !== this.#column) return this.#refuse('rows of unequal length')
    if (this.#defaults.join() !== this.#defaultsOfRow.join()) return this.#refuse('DEFAULT in some of the rows only')
    this.#sink?.endRow()
    this.rows++
    this.#word = ''
    return this.#go('after-row')
  }

  #afterRow(char: number): true {
    if (char === byte.semicolon) {
      const end = this.#word.trim().replaceAll(/\s+/g, ' ').toLowerCase()
      if (end !== '' && end !== 'on conflict do nothing') return this.#refuse('something after its rows')
      return this.#go('done')
    }
    if (char === byte.comma && this.#word.trim() === '') return this.#go('row')
    if (!isSpace(char) && !beginsWord(char)) return this.#refuse('something after its rows')
    this.#word += String.fromCharCode(char)
    return this.#word.length > 1000 ? this.#refuse('something after its rows') : true
  }
}
