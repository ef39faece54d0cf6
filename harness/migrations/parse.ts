/** One node of Postgres' parse tree, as its fields. */
export type SqlNode = Readonly<Record<string, unknown>>

/**
 * The parse trees of all statements in `sql`, each as `{ SelectStmt: … }`, by Postgres' own parser.
 * Throws what the parser says. The parser is a WebAssembly module and is loaded when it is first needed.
 */
export async function parseStatements(sql: string): Promise<readonly Readonly<Record<string, SqlNode>>[]> {
  const { parse } = await import('libpg-query')
  const { stmts } = await parse(sql)
  return (stmts ?? []).map(({ stmt }) => (stmt ?? {}) as unknown as Readonly<Record<string, SqlNode>>)
}
