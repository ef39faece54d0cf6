import { byte } from './bytes.ts'
import type { ScriptPlace } from './parts.ts'

/** A statement while it is read: what of its words decides where it ends and what follows it. */
export class Statement {
  readonly place: ScriptPlace
  #first = ''
  #second = ''
  #count = 0
  #previous = ''
  #parens = 0
  #atomic = 0
  #copiesFromScript = false

  constructor(place: ScriptPlace) {
    this.place = place
  }

  /** The rows of `COPY … FROM stdin` stand in the script, right after it. */
  get copiesFromScript(): boolean {
    return this.#copiesFromScript
  }

  /** After this word, `VALUES` or `DEFAULT VALUES`, come the rows of an INSERT statement. */
  isInsertAt(word: string): boolean {
    return word === 'values' && this.#first === 'insert' && this.#second === 'into' && this.#parens === 0
  }

  get previousWord(): string {
    return this.#previous
  }

  /** `word`: not quoted, in lower case. */
  word(word: string): void {
    this.#count++
    if (this.#count === 1) this.#first = word
    if (this.#count === 2) this.#second = word
    if (this.#first === 'copy' && word === 'stdin' && this.#previous === 'from' && this.#parens === 0)
      this.#copiesFromScript = true
    if (this.#first === 'create') this.#followBody(word)
    this.#previous = word
  }

  /** A quoted name, a literal, a number. */
  other(): void {
    this.#count++
    this.#previous = ''
  }

  mark(char: number): void {
    if (char === byte.open) this.#parens++
    if (char === byte.close && this.#parens > 0) this.#parens--
    this.#previous = char === byte.dot ? '.' : ''
  }

  endsAtSemicolon(): boolean {
    return this.#parens === 0 && this.#atomic === 0
  }

  /** Within CREATE … BEGIN ATOMIC, `case` opens and `end` closes too, unless they are a name: after AS or a dot. */
  #followBody(word: string): void {
    if (this.#previous === 'as' || this.#previous === '.') return
    if (this.#atomic === 0) {
      if (word === 'atomic' && this.#previous === 'begin') this.#atomic = 1
    } else if (word === 'case' || word === 'begin') this.#atomic++
    else if (word === 'end') this.#atomic--
  }
}
