import { scan } from './scan.ts'

/**
 * SQL text with what does not change its meaning taken away: comments, white space, closing semicolons. Words outside
 * of quotes are lower-cased, so that it serves for comparing and for recognising a statement by its first words.
 */
export function plainSql(sql: string): string {
  const parts: string[] = []
  for (const token of scan(sql).tokens) {
    if (token.type === 'space' || token.type === 'comment') continue
    const text = sql.slice(token.start, token.end)
    parts.push(token.type === 'word' ? text.toLowerCase() : text)
  }
  while (parts.at(-1) === ';') parts.pop()
  return parts.join(' ')
}

/** Statements that Supabase's CLI runs outside of a transaction, since Postgres refuses (or may refuse) them inside. */
const standalone = [
  /^create (unique )?index concurrently\b/,
  /^drop index concurrently\b/,
  /^reindex (\(.*?\) )?(database|system|schema)\b/,
  /^reindex (\(.*?\) )?(index|table) concurrently\b/,
  /^reindex \([^)]*\bconcurrently\b/,
  /^vacuum\b/,
  /^alter system\b/,
  /^cluster\b/,
  /^(create|drop) (database|tablespace|subscription)\b/,
  /^alter subscription\b.*\b(publication|refresh)\b/s,
  /^alter database\b.*\bset tablespace\b/s,
  /^discard all\b/,
  /^alter table\b.*\bdetach partition\b.*\b(concurrently|finalize)$/s,
]

/** The statement must run outside a transaction block. */
export function needsOwnTransaction(sql: string): boolean {
  const plain = plainSql(sql)
  return standalone.some((pattern) => pattern.test(plain))
}

/** COPY … FROM stdin: its rows would follow in the text, where only psql finds them. */
export function readsStandardInput(sql: string): boolean {
  const plain = plainSql(sql)
  return /^copy\b/.test(plain) && /\bfrom stdin\b/.test(plain)
}

export type TransactionControl = 'begin' | 'commit' | 'rollback'

/** What a statement does to the transaction, if anything; savepoints do nothing to it. */
export function transactionControl(sql: string): TransactionControl | undefined {
  const plain = plainSql(sql)
  if (/^(begin|start transaction)\b/.test(plain)) return 'begin'
  if (/^(commit|end)\b/.test(plain) || /^prepare transaction\b/.test(plain)) return 'commit'
  if (/^(rollback|abort)\b/.test(plain) && !/^rollback (work |transaction )?to\b/.test(plain)) return 'rollback'
  return undefined
}

/** SET, RESET, SHOW and the like: nothing of them is left in the database. */
export function leavesNothing(sql: string): boolean {
  return /^(set|reset|show|select set_config|notify|discard|lock|explain)\b/.test(plainSql(sql))
}
