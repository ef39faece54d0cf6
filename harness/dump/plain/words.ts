import { isWord, type SqlToken, sqlTokens } from '../sql-words.ts'

/** A name as it stands in SQL, in one or two parts. */
export type ObjectName = { readonly schema?: string; readonly name: string }

/** Walks over the tokens of a statement. */
export class Words {
  readonly #tokens: readonly SqlToken[]
  #at = 0

  /** `escapes`: backslashes escape in every string of it. */
  constructor(sql: string, escapes = false) {
    this.#tokens = [...sqlTokens(sql, escapes)]
  }

  get rest(): readonly SqlToken[] {
    return this.#tokens.slice(this.#at)
  }

  /** Takes these words when they come next. */
  take(phrase: string): boolean {
    const words = phrase.split(' ')
    if (!words.every((word, i) => isWord(this.#tokens[this.#at + i], word))) return false
    this.#at += words.length
    return true
  }

  /** Takes what comes next when it is one of these words. */
  takeAny(...phrases: readonly string[]): string | undefined {
    return phrases.find((phrase) => this.take(phrase))
  }

  /** Goes behind the next such word outside of parentheses; false, and nowhere, when there is none. */
  skipTo(word: string): boolean {
    let depth = 0
    for (let at = this.#at; at < this.#tokens.length; at++) {
      const token = this.#tokens[at]
      if (depth === 0 && isWord(token, word)) {
        this.#at = at + 1
        return true
      }
      if (isWord(token, '(')) depth++
      if (isWord(token, ')')) depth--
    }
    return false
  }

  next(): SqlToken | undefined {
    return this.#tokens[this.#at++]
  }

  /** A name of one or two parts (`catalog.schema.name` is none of pg_dump's). */
  name(): ObjectName {
    const first = this.next()?.text ?? ''
    if (!isWord(this.#tokens[this.#at], '.')) return { name: first }
    this.#at++
    return { schema: first, name: this.next()?.text ?? '' }
  }

  /** What stands in parentheses next, as text: `(a integer, b text)`; empty when there are none. */
  parentheses(): string {
    if (!isWord(this.#tokens[this.#at], '(')) return ''
    let depth = 0
    let text = ''
    for (let token = this.next(); token; token = this.next()) {
      const mark = !token.quoted && /^[(),.]$/.test(token.text)
      if (isWord(token, '(')) depth++
      if (isWord(token, ')')) depth--
      text += mark || /(^|[(.])$/.test(text) ? token.text : ` ${token.text}`
      if (depth === 0) break
    }
    return text
  }
}
