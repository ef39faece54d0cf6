/** One lexical piece of SQL text. Tokens follow each other without gaps: their texts joined are the input. */
export type Token = {
  readonly type: TokenType
  /** Offsets in UTF-16 units; `end` is the first unit after the token. */
  readonly start: number
  readonly end: number
}

type TokenType = 'space' | 'comment' | 'word' | 'quoted' | 'string' | 'dollar' | 'number' | 'mark'

export type ScanProblem = { readonly message: string; readonly offset: number }

const space = /[\s\ufeff]+/y
const lineComment = /--[^\n]*/y
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const number = /\d[\w.]*/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y

/**
 * Cuts SQL text into tokens by the lexical rules of PostgreSQL (with `standard_conforming_strings` on): quoted names,
 * plain and `E''` strings, dollar quotes, `--` and nested block comments. At what cannot be read it stops, with the place.
 */
export function scan(sql: string): { readonly tokens: readonly Token[]; readonly problem?: ScanProblem } {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    const piece = next(sql, at, tokens.at(-1))
    if ('message' in piece) return { tokens, problem: piece }
    tokens.push({ type: piece.type, start: at, end: piece.end })
    at = piece.end
  }
  return { tokens }
}

type Piece = { readonly type: TokenType; readonly end: number }

function next(sql: string, at: number, previous: Token | undefined): Piece | ScanProblem {
  const char = sql[at] ?? ''
  const two = sql.slice(at, at + 2)
  if (two === '--') return { type: 'comment', end: matchEnd(lineComment, sql, at) ?? sql.length }
  if (two === '/*') return blockComment(sql, at)
  const blank = matchEnd(space, sql, at)
  if (blank) return { type: 'space', end: blank }
  if (char === "'") {
    const escapes = previous?.end === at && previous.type === 'word' && /^e$/i.test(sql.slice(previous.start, at))
    return quoted(sql, at, "'", escapes)
  }
  if (char === '"') return quoted(sql, at, '"', false)
  if (char === '$') return dollarQuoted(sql, at)
  if (char === '\\') return { message: metaCommand(sql, at), offset: at }
  const name = matchEnd(word, sql, at)
  if (name) return { type: 'word', end: name }
  const digits = matchEnd(number, sql, at)
  if (digits) return { type: 'number', end: digits }
  return { type: 'mark', end: at + 1 }
}

function quoted(sql: string, start: number, quote: "'" | '"', escapes: boolean): Piece | ScanProblem {
  for (let at = start + 1; at < sql.length; at++) {
    if (escapes && sql[at] === '\\') at++
    else if (sql[at] === quote && sql[at + 1] === quote) at++
    else if (sql[at] === quote) return { type: quote === "'" ? 'string' : 'quoted', end: at + 1 }
  }
  const what = quote === "'" ? 'The string' : 'The quoted name'
  return { message: `${what} that begins here has no closing ${quote}.`, offset: start }
}

function dollarQuoted(sql: string, start: number): Piece | ScanProblem {
  const end = matchEnd(dollarTag, sql, start)
  // `$1` is a parameter: a mark, then a number.
  if (!end) return { type: 'mark', end: start + 1 }
  const tag = sql.slice(start, end)
  const closing = sql.indexOf(tag, end)
  if (closing < 0) return { message: `The text that begins here with ${tag} has no closing ${tag}.`, offset: start }
  return { type: 'dollar', end: closing + tag.length }
}

function blockComment(sql: string, start: number): Piece | ScanProblem {
  let depth = 0
  for (let at = start; at < sql.length; at++) {
    const two = sql.slice(at, at + 2)
    if (two === '/*') {
      depth++
      at++
    } else if (two === '*/') {
      depth--
      at++
      if (depth === 0) return { type: 'comment', end: at + 1 }
    }
  }
  return { message: 'The comment that begins here with /* has no closing */.', offset: start }
}

function metaCommand(sql: string, at: number): string {
  const command = /^\\\S*/.exec(sql.slice(at, at + 40))?.[0] ?? '\\'
  return `${command} is a command of psql, not SQL: only psql understands it. Write plain SQL instead.`
}

function matchEnd(pattern: RegExp, sql: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(sql) ? pattern.lastIndex : undefined
}
