import type { TocEntry } from './dump.ts'
import { isWord, type SqlWord, sqlStatements } from './sql-words.ts'

/** An archive defines no roles, it only names them: as owners, in grants and in policies. Sorted; without Postgres' own. */
export function namedRoles(entries: readonly TocEntry[]): string[] {
  const roles = new Set<string>()
  for (const entry of entries) {
    if (entry.owner) roles.add(entry.owner)
    for (const role of rolesOf(entry)) roles.add(role)
  }
  return [...roles].filter((role) => !role.startsWith('pg_')).sort()
}

function rolesOf(entry: TocEntry): string[] {
  switch (entry.type) {
    case 'ACL':
    case 'DEFAULT ACL':
      return sqlStatements(entry.definition).flatMap(rolesOfGrant)
    case 'POLICY':
      return sqlStatements(entry.definition).flatMap(rolesOfPolicy)
    case 'DATABASE PROPERTIES':
      return sqlStatements(entry.definition).flatMap(([alter, role, name]) =>
        isWord(alter, 'alter') && isWord(role, 'role') && name ? [name.text] : [],
      )
    default:
      return []
  }
}

/** GRANT … TO a, b · REVOKE … FROM a · ALTER DEFAULT PRIVILEGES FOR ROLE a … · SET SESSION AUTHORIZATION a */
function rolesOfGrant(words: readonly SqlWord[]): string[] {
  const roles: string[] = []
  if (isWord(words[0], 'alter') && isWord(words[4], 'role')) roles.push(...roleList(words, 5))
  if (isWord(words[0], 'set') && isWord(words[2], 'authorization')) roles.push(...roleList(words, 3))
  // The grantees stand after the last TO or FROM: an object may be called "to", but quoted or before it.
  const target = words.findLastIndex((word) => isWord(word, 'to') || isWord(word, 'from'))
  if (target > 0) roles.push(...roleList(words, target + 1))
  const grantor = words.findLastIndex((word, i) => isWord(word, 'by') && isWord(words[i - 1], 'granted'))
  if (grantor > 0) roles.push(...roleList(words, grantor + 1))
  return roles
}

/** CREATE POLICY name ON table [AS …] [FOR …] TO a, b [USING …] [WITH CHECK …] */
function rolesOfPolicy(words: readonly SqlWord[]): string[] {
  const start = words.findIndex((word) => isWord(word, 'to'))
  const expression = words.findIndex((word) => isWord(word, '('))
  return start > 0 && (expression < 0 || start < expression) ? roleList(words, start + 1) : []
}

function roleList(words: readonly SqlWord[], start: number): string[] {
  const roles: string[] = []
  for (let i = start; i < words.length; i += 2) {
    const word = words[i]
    if (!word || isWord(word, 'group')) break
    if (word.quoted || !['public', 'current_user', 'session_user', 'current_role', 'default'].includes(word.text)) {
      roles.push(word.text)
    }
    if (!isWord(words[i + 1], ',')) break
  }
  return roles
}
