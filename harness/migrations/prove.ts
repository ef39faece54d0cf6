import type { Connection, Database } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import { messageOf, throwIfAborted } from '../errors.ts'
import type { Finding, RowSet } from '../model/finding.ts'
import type { Expectation, PredicateProof } from '../model/verdict.ts'
import { checkPredicate } from './predicate-syntax.ts'
import { scan } from './scan.ts'

/** A login of the platform's that reads everything, past row-level security, and writes nothing. */
const readingRole = 'supabase_read_only_user'

export type ProveOptions = {
  readonly signal?: AbortSignal | undefined
  /** Longest time of one proof, in milliseconds. Default: 30 s. */
  readonly timeout?: number
}

/**
 * Evaluates the predicate of each expectation on the rows of each finding that it speaks of (same kind, object, column
 * and role), on the side that the rows are from, in a read-only transaction of a role that can only read. It holds when
 * it is true for every row. Rows that are not all known, or not found again, prove nothing.
 */
export async function provePredicates(
  expectations: readonly Expectation[],
  findings: readonly Finding[],
  before: Database,
  after: Database,
  { signal, timeout = 30_000 }: ProveOptions = {},
): Promise<readonly PredicateProof[]> {
  const proofs: PredicateProof[] = []
  for (const expectation of expectations) {
    const { predicate } = expectation
    if (predicate === undefined) continue
    for (const finding of findings.filter((candidate) => mayConcern(expectation, candidate))) {
      throwIfAborted(signal, 'proving the predicates of expectations')
      const { rows } = finding
      const refuted = rows ? await refute(predicate, rows, rows.side === 'before' ? before : after, timeout) : noRows
      proofs.push({ expectation, finding, holds: refuted === undefined, ...(refuted ? { reason: refuted } : {}) })
    }
  }
  return proofs
}

const noRows = 'the finding does not name its rows'

function mayConcern(expectation: Expectation, finding: Finding): boolean {
  if (expectation.kind !== finding.kind || expectation.object !== finding.object) return false
  if (finding.migration !== undefined && finding.migration !== expectation.migration) return false
  if (expectation.role !== finding.role) return false
  return expectation.column === undefined || (finding.columns ?? []).includes(expectation.column)
}

/** Why the predicate is not proven; `undefined` when it is true for every row. */
async function refute(
  predicate: string,
  rows: RowSet,
  database: Database,
  timeout: number,
): Promise<string | undefined> {
  if (!rows.complete) return 'only a part of the rows concerned is known'
  if (rows.keys.length === 0 || rows.keyColumns.length === 0) return noRows
  const wrong = await checkPredicate(predicate)
  if (wrong) return `the predicate is not one SQL expression: ${wrong}`
  await using connection = await database.connect({
    role: readingRole,
    readOnly: true,
    applicationName: 'greenlight proofs',
  })
  try {
    await connection.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(timeout)}`)
    const { found, true: holding } = await countRows(connection, predicate, rows)
    if (found !== rows.keys.length)
      return `${rows.keys.length - found} of ${rows.keys.length} rows were not found again`
    return holding === found ? undefined : `it is not true for ${found - holding} of ${found} rows`
  } catch (error) {
    return `it could not be evaluated: ${withoutQuotes(messageOf(error))}`
  }
}

async function countRows(
  connection: Connection,
  predicate: string,
  { table, keyColumns, keys }: RowSet,
): Promise<{ readonly found: number; readonly true: number }> {
  const names = partsOf(table)
  const columns = keyColumns.map((column) => `r.${quoteIdentifier(column)}::text`).join(', ')
  const lists = keyColumns.map((_, at) => `$${at + 1}::text[]`).join(', ')
  // The rows go by the table's own name, so that the predicate can say tasks.event_id as well as event_id.
  const { rows } = await connection.query<{ found: number; true: number }>(
    `SELECT count(*)::int AS found, count(*) FILTER (WHERE (${predicate}\n))::int AS "true"
     FROM (SELECT r.* FROM ${names.map(quoteIdentifier).join('.')} AS r
           WHERE (${columns}) IN (SELECT * FROM unnest(${lists}))) AS ${quoteIdentifier(names.at(-1) ?? 'row')}`,
    keyColumns.map((_, at) => keys.map((key) => key[at])),
  )
  return rows[0] ?? { found: 0, true: 0 }
}

/** `public."Weird name"` → its parts, unquoted. */
function partsOf(table: string): readonly string[] {
  return scan(table)
    .tokens.filter(({ type }) => type !== 'mark' && type !== 'space')
    .map(({ type, start, end }) =>
      type === 'quoted' ? table.slice(start + 1, end - 1).replaceAll('""', '"') : table.slice(start, end),
    )
}

/** An error while a row is evaluated may quote its values. */
function withoutQuotes(message: string): string {
  return message.replace(/".*"/s, '"…"')
}
