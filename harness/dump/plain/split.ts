import { beginsWord, byte, countNewlines, isDigit, isSpace } from './bytes.ts'
import type { CopyText } from './copy-text.ts'
import { InsertValues } from './insert-values.ts'
import type { ScriptPart, ScriptPlace } from './parts.ts'
import { endOfLine, endOfWord, type Scan, scanComment, scanDollar, scanQuotes, scanRows, scanTag } from './scan.ts'
import { overlongStatement, refusedScript, truncatedScript } from './script-errors.ts'
import { Statement } from './statement.ts'

type Mode =
  | { readonly in: 'sql' }
  | { readonly in: 'comment'; depth: number; readonly place: ScriptPlace }
  | { readonly in: 'quotes'; readonly quote: number; readonly escapes: boolean }
  | { readonly in: 'dollar'; readonly tag: Buffer }
  | { readonly in: 'copy'; readonly text: string; readonly place: ScriptPlace; start?: number }
  | { readonly in: 'insert'; readonly text: string; readonly place: ScriptPlace; readonly values: InsertValues }

export type SplitterOptions = {
  /** For messages. */
  readonly path: string
  /** Most bytes of one statement. Default: 64 MB. Rows of COPY and INSERT do not count. */
  readonly limit?: number
  /** `standard_conforming_strings` at the beginning. Default: on. */
  readonly standardStrings?: boolean
  /** Gets the rows of INSERT statements. */
  readonly sink?: CopyText
}

const byteOrderMark = Buffer.from('\ufeff')
const sql: Mode = { in: 'sql' }
const settingStrings = /^set\s+standard_conforming_strings\s*(?:=|to)\s*'?(on|off)'?\s*;$/i

/**
 * Cuts a psql script into its parts, by psql's own rules, wherever its input is cut: quotes, dollar quotes, nested
 * comments, parentheses, BEGIN ATOMIC bodies, rows of COPY up to their `\.`. It keeps no more than one statement.
 * Throws `dump.truncated` (at the end) and `dump.not-supported` (a statement over the limit, a psql command inside a
 * statement, an INSERT of something else than literals).
 */
export class ScriptSplitter {
  readonly #path: string
  readonly #limit: number
  readonly #sink: CopyText | undefined
  #standardStrings: boolean
  #parts: ScriptPart[] = []
  #mode: Mode = sql
  #statement: Statement | undefined
  /** What is read but not done with; `#base` is its offset in the script, `#at` where to go on in it. */
  #window: Buffer = Buffer.alloc(0)
  #base = 0
  #at = 0
  #line = 1
  #begun = false
  #ended = false

  constructor({ path, limit, standardStrings, sink }: SplitterOptions) {
    this.#path = path
    this.#limit = limit ?? 64 << 20
    this.#standardStrings = standardStrings ?? true
    this.#sink = sink
  }

  /** At the end of what was fed. */
  get standardStrings(): boolean {
    return this.#standardStrings
  }

  /** The parts that are complete with this piece. */
  feed(piece: Buffer): ScriptPart[] {
    const keep = this.#keepFrom()
    this.#window = keep < this.#window.length ? Buffer.concat([this.#window.subarray(keep), piece]) : piece
    this.#base += keep
    this.#at -= keep
    return this.#run()
  }

  /** The last parts. */
  end(): ScriptPart[] {
    this.#ended = true
    const parts = this.#run()
    const place = this.#mode.in === 'sql' ? this.#statement?.place : this.#begin()
    if (!place) return parts
    const what = this.#mode.in === 'copy' ? 'the rows of the COPY statement' : 'what begins'
    throw truncatedScript(this.#path, `it ends inside ${what} on line ${place.line}`, place.line)
  }

  #begin(): ScriptPlace {
    return this.#statement?.place ?? ('place' in this.#mode ? this.#mode.place : this.#place(this.#at))
  }

  #keepFrom(): number {
    return this.#statement && this.#mode.in !== 'insert' ? this.#statement.place.offset - this.#base : this.#at
  }

  #place(at: number): ScriptPlace {
    return { offset: this.#base + at, line: this.#line }
  }

  #run(): ScriptPart[] {
    if (!this.#begun) {
      if (this.#window.length < 3 && !this.#ended) return []
      this.#begun = true
      if (this.#window.subarray(0, 3).equals(byteOrderMark)) this.#at = 3
    }
    while (this.#advance());
    if (this.#mode.in !== 'copy') this.#checkLength(this.#window.length)
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  /** False when it takes more bytes to go on. */
  #advance(): boolean {
    const mode = this.#mode
    switch (mode.in) {
      case 'sql':
        return this.#at < this.#window.length && this.#token(this.#window[this.#at] as number)
      case 'comment': {
        const { depth, ...scan } = scanComment(this.#window, this.#at, mode.depth)
        mode.depth = depth
        return this.#leave(scan)
      }
      case 'quotes': {
        const scan = scanQuotes(this.#window, this.#at, mode.quote, mode.escapes, this.#ended)
        if (scan.done) this.#open().other()
        return this.#leave(scan)
      }
      case 'dollar': {
        const scan = scanDollar(this.#window, this.#at, mode.tag)
        if (scan.done) this.#open().other()
        return this.#leave(scan)
      }
      case 'copy':
        return this.#copy(mode)
      case 'insert':
        return this.#insert(mode)
    }
  }

  #leave({ at, done }: Scan): boolean {
    this.#move(at)
    if (done) this.#mode = sql
    return done
  }

  #token(char: number): boolean {
    const bytes = this.#window
    const at = this.#at
    if (isSpace(char)) return this.#move(at + 1)
    if (beginsWord(char)) return this.#word()
    if (char === byte.minus || char === byte.slash) {
      const next = bytes[at + 1]
      if (next === undefined && !this.#ended) return false
      if (char === byte.minus && next === byte.minus) return this.#lineComment()
      if (char === byte.slash && next === byte.star) {
        this.#mode = { in: 'comment', depth: 1, place: this.#place(at) }
        return this.#move(at + 2)
      }
    }
    if (char === byte.backslash) return this.#meta()
    if (char === byte.semicolon) return this.#semicolon()
    const statement = this.#open()
    if (char === byte.quote || char === byte.doubleQuote) {
      return this.#enterQuotes(char, char === byte.quote && !this.#standardStrings, at + 1)
    }
    if (char === byte.dollar) return this.#dollarTag()
    if (isDigit(char)) {
      const end = endOfWord(bytes, at, this.#ended)
      if (end === undefined) return false
      statement.other()
      return this.#move(end)
    }
    statement.mark(char)
    return this.#move(at + 1)
  }

  #open(): Statement {
    this.#statement ??= new Statement(this.#place(this.#at))
    return this.#statement
  }

  /** Everything before `at` is done with. */
  #move(at: number): true {
    this.#line += countNewlines(this.#window, this.#at, at)
    this.#at = at
    return true
  }

  #enterQuotes(quote: number, escapes: boolean, at: number): true {
    this.#mode = { in: 'quotes', quote, escapes }
    return this.#move(at)
  }

  #word(): boolean {
    const end = endOfWord(this.#window, this.#at, this.#ended)
    if (end === undefined) return false
    const word = this.#window.toString('latin1', this.#at, end).toLowerCase()
    const statement = this.#open()
    if (word === 'e' && this.#window[end] === byte.quote) return this.#enterQuotes(byte.quote, true, end + 1)
    if (!statement.isInsertAt(word)) {
      statement.word(word)
      return this.#move(end)
    }
    const text = this.#text(statement, this.#at).trimEnd()
    const noValues = statement.previousWord === 'default'
    const values = new InsertValues({ escapes: !this.#standardStrings, noValues, sink: this.#sink })
    this.#mode = { in: 'insert', text, place: statement.place, values }
    return this.#move(end)
  }

  #text(statement: Statement, end: number): string {
    this.#checkLength(end)
    return this.#window.toString('utf8', statement.place.offset - this.#base, end)
  }

  #lineComment(): boolean {
    const end = endOfLine(this.#window, this.#at, this.#ended)
    if (end === undefined) return false
    if (!this.#statement) this.#pushLine('comment', end)
    return this.#move(end)
  }

  #meta(): boolean {
    if (this.#statement) throw this.#refuse('a command of psql inside the statement')
    const end = endOfLine(this.#window, this.#at, this.#ended)
    if (end === undefined) return false
    this.#pushLine('meta', end)
    return this.#move(end)
  }

  #pushLine(kind: 'comment' | 'meta', end: number): void {
    this.#checkLength(end)
    const text = this.#window.toString('utf8', this.#at, end).trimEnd()
    this.#parts.push({ kind, text, place: this.#place(this.#at) })
  }

  #dollarTag(): boolean {
    const tag = scanTag(this.#window, this.#at, this.#ended)
    if (tag === undefined) return false
    if (tag === 'none') {
      this.#open().mark(byte.dollar)
      return this.#move(this.#at + 1)
    }
    this.#mode = { in: 'dollar', tag }
    return this.#move(this.#at + tag.length)
  }

  #semicolon(): true {
    const end = this.#at + 1
    const statement = this.#statement
    if (!statement) return this.#move(end)
    if (!statement.endsAtSemicolon()) {
      statement.mark(byte.semicolon)
      return this.#move(end)
    }
    const text = this.#text(statement, end)
    this.#statement = undefined
    const strings = settingStrings.exec(text)?.[1]
    if (strings) this.#standardStrings = strings.toLowerCase() === 'on'
    if (statement.copiesFromScript) this.#mode = { in: 'copy', text, place: statement.place }
    else this.#parts.push({ kind: 'statement', text, place: statement.place })
    return this.#move(end)
  }

  /** First the rest of the statement's own line, up to its newline; then the rows. */
  #copy(mode: Mode & { in: 'copy' }): boolean {
    if (mode.start === undefined) {
      const newline = endOfLine(this.#window, this.#at, false)
      if (newline === undefined) return false
      if (this.#window.toString('latin1', this.#at, newline).trim() !== '') throw this.#refuse('something after COPY')
      mode.start = this.#base + newline + 1
      return this.#move(newline)
    }
    const { at, done, rowsEnd } = scanRows(this.#window, this.#at, this.#ended)
    const { text, place, start } = mode
    if (done) this.#parts.push({ kind: 'copy', text, place, rows: { start, end: this.#base + rowsEnd } })
    return this.#leave({ at, done })
  }

  #insert({ text, place, values }: Mode & { in: 'insert' }): boolean {
    const { at, done } = values.read(this.#window, this.#at)
    this.#move(at)
    if (values.problem) throw this.#refuse(`${values.problem} in the INSERT statement`)
    if (!done) return false
    const range = { start: place.offset, end: this.#base + at }
    this.#parts.push({ kind: 'insert', text, place, range, defaults: values.defaults })
    this.#mode = sql
    this.#statement = undefined
    return true
  }

  #refuse(what: string): Error {
    const began = this.#begin().line
    const where = began === this.#line ? '' : ` that begins on line ${began}`
    return refusedScript(this.#path, this.#line, `${what}${where}. pg_dump writes no such thing`)
  }

  #checkLength(end: number): void {
    if (end - this.#keepFrom() > this.#limit) throw overlongStatement(this.#path, this.#begin().line, this.#limit)
  }
}
