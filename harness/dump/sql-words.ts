/** A word of a SQL statement; a quoted identifier is never a keyword. */
export type SqlWord = { readonly text: string; readonly quoted: boolean }

const pattern =
  /\s+|--[^\n]*|"((?:[^"]|"")*)"|'(?:[^']|'')*'|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|([(),;.])|./gsu

/**
 * The identifiers, keywords and marks `( ) , ; .` of the statements that pg_dump writes for grants, default
 * privileges and policies. Literals and operators are left out; words are in lower case unless they were quoted.
 */
export function sqlWords(sql: string): SqlWord[] {
  const words: SqlWord[] = []
  for (const [, quoted, bare, mark] of sql.matchAll(pattern)) {
    if (quoted !== undefined) words.push({ text: quoted.replaceAll('""', '"'), quoted: true })
    else if (bare !== undefined) words.push({ text: bare.toLowerCase(), quoted: false })
    else if (mark !== undefined) words.push({ text: mark, quoted: false })
  }
  return words
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

export function isWord(word: SqlWord | undefined, text: string): boolean {
  return word !== undefined && !word.quoted && word.text === text
}
