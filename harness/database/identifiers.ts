import pg from 'pg'

/** `"name"`, doubled quotes inside: always quoted, so that no name is ever taken for a keyword. */
export const quoteIdentifier = pg.escapeIdentifier

/** `'text'`, or `E'…'` where it holds a backslash. */
export const quoteLiteral = pg.escapeLiteral

/** `"schema"."name"` */
export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** The names of a list of columns as SQL writes it, as they are: `a, "B c"` is `a` and `B c`. */
export function identifiersIn(list: string): string[] {
  return (list.match(/"(?:[^"]|"")+"|[^\s".,()]+/g) ?? []).map(plainIdentifier)
}

/** What an identifier of SQL names. */
export function plainIdentifier(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier
}

/** `schema.name`, for people: parts are quoted only where Postgres would need it. */
export function displayName(schema: string, name: string): string {
  return `${displayIdentifier(schema)}.${displayIdentifier(name)}`
}

export function displayIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteIdentifier(name)
}
