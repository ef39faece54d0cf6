import { quoteIdentifier } from '../../database/identifiers.ts'
import { leftOut } from '../plan-cluster.ts'
import { isWord, type SqlToken } from '../sql-words.ts'
import { Words } from './words.ts'

const attributes: ReadonlySet<string> = new Set(
  ['superuser', 'createdb', 'createrole', 'inherit', 'login', 'replication', 'bypassrls'].flatMap((word) => [
    word,
    `no${word}`,
  ]),
)

/**
 * Pure: CREATE ROLE or ALTER ROLE … WITH, written anew without what must not be kept (the verifier of its password) or
 * would end logins of the copy (the day it expires, the limit of its connections). Undefined for a form that neither
 * pg_dumpall nor the platform's CLI writes.
 */
export function roleStatements(sql: string): readonly string[] | undefined {
  const words = new Words(sql)
  const create = words.take('create')
  if (!create) words.take('alter')
  words.takeAny('role', 'user')
  const role = quoteIdentifier(words.name().name)
  words.take('with')
  const kept: string[] = []
  const dropped: string[] = []
  for (let word = words.next(); word && !isWord(word, ';'); word = words.next()) {
    if (!word.quoted && attributes.has(word.text)) kept.push(word.text.toUpperCase())
    else if (isWord(word, 'encrypted')) continue
    else if (isWord(word, 'password') && isValue(words.next())) dropped.push('its password')
    else if (isWord(word, 'valid') && words.take('until') && isValue(words.next())) dropped.push('the day it expires')
    else if (isWord(word, 'connection') && words.take('limit') && isValue(words.next()))
      dropped.push('the limit of its connections')
    else return undefined
  }
  return [
    ...(create ? [`CREATE ROLE ${role};`] : []),
    ...(kept.length > 0 ? [`ALTER ROLE ${role} WITH ${kept.join(' ')};`] : []),
    ...(dropped.length > 0 ? [`${leftOut}${dropped.join(', ')}`] : []),
  ]
}

function isValue(token: SqlToken | undefined): boolean {
  return token?.literal === true || isWord(token, 'null')
}
