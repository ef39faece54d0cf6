/** A word of a SQL statement; a quoted identifier is never a keyword. */
export type SqlWord = { readonly text: string; readonly quoted: boolean }

/** A word, or a literal with its text as it stands there, quotes included. */
export type SqlToken = SqlWord & { readonly literal?: true }

const space = /\s+|--[^\n]*/y
const name = /"([^"]*(?:""[^"]*)*)"/y
const bare = /[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*/uy
const literal = /[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'|'[^']*(?:''[^']*)*'|[-+]?\d[\w.]*/y
const escapedLiteral = /[eE]?'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'|[-+]?\d[\w.]*/y
const tag = /\$(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$/uy

/**
 * The identifiers, keywords, literals and marks `( ) , ; .` of SQL text, words in lower case unless they were quoted.
 * `escapes`: backslashes escape in every string (`standard_conforming_strings` off).
 */
export function* sqlTokens(sql: string, escapes = false): Generator<SqlToken> {
  for (let at = 0; at < sql.length; ) {
    const blank = match(space, sql, at)?.[0].length ?? (sql.startsWith('/*', at) ? commentLength(sql, at) : 0)
    if (blank > 0) {
      at += blank
      continue
    }
    const quoted = match(name, sql, at)
    const value = quoted ? undefined : literalAt(sql, at, escapes)
    const word = quoted || value ? undefined : match(bare, sql, at)
    if (quoted) yield { text: (quoted[1] ?? '').replaceAll('""', '"'), quoted: true }
    else if (value) yield { text: value, quoted: false, literal: true }
    else if (word) yield { text: word[0].toLowerCase(), quoted: false }
    else if ('(),;.'.includes(sql[at] ?? '')) yield { text: sql[at] ?? '', quoted: false }
    at += quoted?.[0].length ?? value?.length ?? word?.[0].length ?? 1
  }
}

/** The same without the literals: what the statements that pg_dump writes for grants and policies are told by. */
export function sqlWords(sql: string): SqlWord[] {
  return [...sqlTokens(sql)].filter((token) => !token.literal)
}

/** The statements of such SQL, as words, each without its semicolon. */
export function sqlStatements(sql: string): SqlWord[][] {
  const statements: SqlWord[][] = [[]]
  for (const word of sqlWords(sql)) {
    if (isWord(word, ';')) statements.push([])
    else statements.at(-1)?.push(word)
  }
  return statements.filter((words) => words.length > 0)
}

export function isWord(word: SqlToken | undefined, text: string): boolean {
  return word !== undefined && !word.quoted && !word.literal && word.text === text
}

function match(pattern: RegExp, sql: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(sql) ?? undefined
}

function literalAt(sql: string, at: number, escapes: boolean): string | undefined {
  const plain = match(escapes ? escapedLiteral : literal, sql, at)?.[0]
  if (plain) return plain
  const opening = match(tag, sql, at)?.[0]
  if (!opening) return undefined
  const closing = sql.indexOf(opening, at + opening.length)
  return closing < 0 ? sql.slice(at) : sql.slice(at, closing + opening.length)
}

function commentLength(sql: string, start: number): number {
  let depth = 0
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith('/*', at)) depth++
    else if (sql.startsWith('*/', at)) depth--
    else continue
    at++
    if (depth === 0) return at + 1 - start
  }
  return sql.length - start
}
