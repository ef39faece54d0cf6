import type { Statement } from '../model/migration-run.ts'
import { linesOf, placeAt } from './place.ts'
import { type ScanProblem, scan, type Token } from './scan.ts'
import { needsOwnTransaction, readsStandardInput } from './statement-kind.ts'

type Comment = {
  readonly text: string
  readonly line: number
  readonly column: number
}

export type SplitSql = {
  readonly statements: readonly Statement[]
  readonly comments: readonly Comment[]
  /** What could not be read; the statements before it are there. */
  readonly problem?: ScanProblem
}

/**
 * Splits SQL text into statements at the semicolons that end one: not those in quotes, comments, parentheses (CREATE
 * RULE) or BEGIN ATOMIC … END bodies. A statement has its comments in front, as Supabase's CLI records it; between two
 * statements there is only white space and semicolons, comments after the last one excepted.
 */
export function splitSql(sql: string): SplitSql {
  const { tokens, problem } = scan(sql)
  const lines = linesOf(sql)
  const statements: Statement[] = []
  let current = noStatement()
  for (const token of tokens) {
    if (token.type === 'mark' && sql[token.start] === ';' && current.parens.length === 0 && current.body.depth === 0) {
      const statement = finish(sql, current)
      current = noStatement()
      if (!statement) continue
      statements.push({ ...statement, ...placeAt(lines, statement.offset) })
      if (readsStandardInput(statement.sql))
        return { statements, comments: [], problem: copyProblem(sql, statement.offset) }
    } else grow(sql, current, token)
  }
  const comments = tokens
    .filter((token) => token.type === 'comment')
    .map((token) => ({ text: sql.slice(token.start, token.end), ...placeAt(lines, token.start) }))
  if (problem) return { statements, comments, problem }
  const open = current.parens.at(-1)
  if (open !== undefined) {
    return { statements, comments, problem: { message: 'This parenthesis is never closed.', offset: open } }
  }
  const rest = finish(sql, current)
  if (rest) statements.push({ ...rest, ...placeAt(lines, rest.offset) })
  if (rest && readsStandardInput(rest.sql)) return { statements, comments, problem: copyProblem(sql, rest.offset) }
  return { statements, comments }
}

/** The statement so far. `meaning` is the first token that is neither space nor comment. */
type Growing = {
  start: number | undefined
  end: number
  meaning: boolean
  parens: number[]
  body: { create: boolean; depth: number; previous: string }
}

function noStatement(): Growing {
  return { start: undefined, end: 0, meaning: false, parens: [], body: { create: false, depth: 0, previous: '' } }
}

function grow(sql: string, current: Growing, token: Token): void {
  if (token.type === 'space') return
  current.start ??= token.start
  current.end = token.end
  if (token.type === 'comment') return
  const text = token.type === 'word' ? sql.slice(token.start, token.end).toLowerCase() : (sql[token.start] ?? '')
  if (!current.meaning) current.body.create = text === 'create'
  current.meaning = true
  if (token.type === 'mark' && text === '(') current.parens.push(token.start)
  if (token.type === 'mark' && text === ')') current.parens.pop()
  if (token.type === 'word') followBody(current.body, text)
  current.body.previous = text
}

/** Within CREATE … BEGIN ATOMIC, `case` opens and `end` closes too, unless they are a name: after AS or a dot. */
function followBody(body: Growing['body'], word: string): void {
  if (!body.create || body.previous === 'as' || body.previous === '.') return
  if (body.depth === 0) {
    if (word === 'atomic' && body.previous === 'begin') body.depth = 1
  } else if (word === 'case' || word === 'begin') body.depth++
  else if (word === 'end') body.depth--
}

function finish(sql: string, { start, end, meaning }: Growing): Omit<Statement, 'line' | 'column'> | undefined {
  if (start === undefined || !meaning) return undefined
  const text = sql.slice(start, end)
  return { sql: text, offset: start, standalone: needsOwnTransaction(text) }
}

function copyProblem(sql: string, start: number): ScanProblem {
  const head = /\bcopy\b/i.exec(sql.slice(start))
  const message =
    'COPY … FROM stdin reads rows from psql, which a migration does not run in. Write INSERT … VALUES instead.'
  return { message, offset: start + (head?.index ?? 0) }
}
