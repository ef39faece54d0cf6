import pg from 'pg'
import type { Database } from '../database/engine.ts'
import { TimedOut } from '../database/watched-session.ts'
import { messageOf } from '../errors.ts'
import type { MigrationFailure, MigrationFile, Statement } from '../model/migration-run.ts'
import { excerpt, linesOf, offsetOfPosition, placeAt } from './place.ts'
import { raisedText } from './raised-text.ts'
import { scan } from './scan.ts'
import { plainSql } from './statement-kind.ts'

/** Query cancelled: the state that a statement out of time is reported with. */
const queryCanceled = '57014'

/** What went wrong in a statement, at its place in the file, without anything that may be a row's value. */
export async function failureOf(
  error: unknown,
  file: MigrationFile,
  statement: Statement | undefined,
  database: Database,
): Promise<MigrationFailure> {
  const at = statement ? offsetOf(error, statement) : 0
  if (error instanceof TimedOut) {
    return failure(file, at, {
      sqlstate: queryCanceled,
      message: `${error.message} It was cancelled.`,
      hint: 'Work in smaller parts, or raise the limit if so long a deploy is meant.',
    })
  }
  if (!(error instanceof pg.DatabaseError)) {
    const message = `The connection was lost while it ran: ${messageOf(error)}`
    return failure(file, at, { sqlstate: '08006', message })
  }
  const sqlstate = error.code ?? 'XX000'
  if (sqlstate === '57P01') {
    const message = `The migration ended its own session: ${error.message}.`
    return failure(file, at, { sqlstate, message })
  }
  if (error.routine === 'exec_stmt_raise' || error.routine === 'exec_stmt_assert') {
    return failure(file, at, { sqlstate, message: await raisedText(error.message, file.sql, database) })
  }
  const message = withoutValues(sqlstate, error.message, file.sql)
  return failure(file, at, { sqlstate, message, ...(error.hint === undefined ? {} : { hint: error.hint }) })
}

/** A failure that Greenlight found by itself. */
export function failureIn(
  file: MigrationFile,
  statement: Statement | undefined,
  facts: Pick<MigrationFailure, 'sqlstate' | 'message' | 'hint'>,
): MigrationFailure {
  return failure(file, statement ? statement.offset + firstMeaning(statement.sql) : 0, facts)
}

function failure(
  file: MigrationFile,
  offset: number,
  facts: Pick<MigrationFailure, 'sqlstate' | 'message' | 'hint'>,
): MigrationFailure {
  const lines = linesOf(file.sql)
  const place = placeAt(lines, offset)
  return { ...facts, ...place, excerpt: excerpt(lines, place.line, place.column) }
}

/**
 * Where Postgres saw the error: its position in the statement; the line of a DO block that was running; else the
 * statement's beginning. A position inside of a function's own query belongs to no line of the file, and is left out.
 */
function offsetOf(error: unknown, statement: Statement): number {
  const beginning = statement.offset + firstMeaning(statement.sql)
  if (!(error instanceof pg.DatabaseError)) return beginning
  const position = error.position ?? (error.internalQuery === statement.sql ? error.internalPosition : undefined)
  if (position !== undefined) return statement.offset + offsetOfPosition(statement.sql, Number(position))
  const line = /inline_code_block line (\d+)\b/.exec(error.where ?? '')?.[1]
  return (line === undefined ? undefined : offsetInBlock(statement, Number(line))) ?? beginning
}

/** Offset of the first character of a line of a DO block's body; the body's first line is the one of its `$$`. */
function offsetInBlock(statement: Statement, line: number): number | undefined {
  if (!/^do\b/.test(plainSql(statement.sql))) return undefined
  const bodies = scan(statement.sql).tokens.filter(({ type }) => type === 'dollar')
  const [body] = bodies
  if (!body || bodies.length !== 1) return undefined
  let at = statement.sql.indexOf('$', body.start + 1) + 1
  for (let count = 1; count < line; count++) {
    const newline = statement.sql.indexOf('\n', at)
    if (newline < 0 || newline >= body.end) return undefined
    at = newline + 1
  }
  return statement.offset + at + (/^[ \t]*/.exec(statement.sql.slice(at))?.[0].length ?? 0)
}

function firstMeaning(sql: string): number {
  return scan(sql).tokens.find(({ type }) => type !== 'space' && type !== 'comment')?.start ?? 0
}

/**
 * Errors of class 22 (data exceptions) quote the value that they could not take: kept only if the file spells it out.
 * From the first quote to the last, since the value may hold quotes itself.
 */
function withoutValues(sqlstate: string, message: string, sql: string): string {
  if (!sqlstate.startsWith('22')) return message
  return message.replace(/"(.*)"/s, (quoted, value: string) => (sql.includes(value) ? quoted : '"…"'))
}
