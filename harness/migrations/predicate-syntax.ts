import { messageOf } from '../errors.ts'
import { parseStatements } from './parse.ts'

/**
 * Whether a text is one SQL expression and nothing more: it means the same alone after WHERE and in parentheses.
 * Returns what is wrong with it.
 */
export async function checkPredicate(predicate: string): Promise<string | undefined> {
  try {
    const bare = await conditionOf(`SELECT WHERE ${predicate}`)
    const enclosed = await conditionOf(`SELECT WHERE (${predicate}\n)`)
    if (bare === undefined || enclosed === undefined) return 'it holds more than a condition'
    return bare === enclosed ? undefined : 'it does not mean the same in parentheses'
  } catch (error) {
    return messageOf(error)
  }
}

/** The WHERE clause as text, places left out; `undefined` when the statement is more than that. */
async function conditionOf(sql: string): Promise<string | undefined> {
  const statements = await parseStatements(sql)
  const select = statements[0]?.SelectStmt
  if (statements.length !== 1 || !select) return undefined
  const parts = Object.keys(select).filter((key) => !['whereClause', 'limitOption', 'op'].includes(key))
  if (parts.length > 0 || select.whereClause === undefined) return undefined
  if (select.op !== 'SETOP_NONE' || select.limitOption !== 'LIMIT_OPTION_DEFAULT') return undefined
  return JSON.stringify(select.whereClause, (key, value: unknown) =>
    key === 'location' || key === 'list_start' || key === 'list_end' || key.startsWith('rexpr_list_')
      ? undefined
      : value,
  )
}
