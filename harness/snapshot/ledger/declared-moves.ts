import type { Connection } from '../../database/engine.ts'
import type { DeclaredMove } from '../../model/declared-move.ts'
import type { Finding } from '../../model/finding.ts'
import type { LedgerColumn, LedgerTable } from './catalog.ts'
import { everyChunk, selectRows } from './chunks.ts'
import { looseText, reference } from './image.ts'
import { hashOf, type TablePair } from './layout.ts'
import { fetchKeys } from './narrow.ts'
import { compareKeys, type Rows } from './outcome.ts'
import { keysKept, type Tally } from './rows.ts'
import type { SessionPair } from './session.ts'

/** Values of one column that is gone, held against the table where a migration says they went. */
export type ElsewhereRows = Rows & { readonly column: string; readonly move: DeclaredMove; readonly missing: Rows }

/** What one FETCH brings: 16 bytes each. */
const rowsPerFetch = 50_000

/**
 * Looks for each value of a column that is gone in the other table, in a row that names the one it came from: by hashes,
 * sorted in the server and merged here, so that memory does not grow with the rows. Undefined where the declaration names
 * what is not there, or a table without a key. Both sessions are in a transaction.
 */
export async function followMove(
  sessions: SessionPair,
  pair: TablePair,
  target: LedgerTable | undefined,
  move: DeclaredMove,
  server: number,
): Promise<ElsewhereRows | undefined> {
  const [key] = pair.before.keys
  const source = columnOf(pair.before, move.from.column)
  const home = target && columnOf(target, move.to.column)
  const by = move.by.map((name) => target && columnOf(target, name)).filter((column) => column !== undefined)
  if (!target || !key || !source || !home || by.length !== move.by.length || key.length !== by.length) return undefined
  const keyHash = hashOfTexts(key)
  const found: Tally = { count: 0, hashes: [] }
  const missing: Tally = { count: 0, hashes: [] }
  const [mine, theirs] = [
    readSorted(sessions.before, pair.before, keyHash, source, server),
    readSorted(sessions.after, target, hashOfTexts(by.map(({ name }) => name)), home, server),
  ]
  try {
    let [left, right] = await Promise.all([mine.next(), theirs.next()])
    while (!left.done) {
      const order = right.done ? -1 : left.value.compare(right.value)
      if (order > 0) {
        right = await theirs.next()
        continue
      }
      const tally = order === 0 ? found : missing
      tally.count++
      if (tally.hashes.length < keysKept) tally.hashes.push(left.value.toString('latin1', 0, 8))
      left = await mine.next()
    }
  } finally {
    await Promise.allSettled([mine.return(undefined), theirs.return(undefined)])
  }
  const named = { ...pair, key: { before: key, after: key } }
  const keys = await fetchKeys(
    sessions.before,
    named,
    { before: { keyHash }, after: { keyHash } },
    'before',
    everyChunk(pair.before, 0),
    new Set([...found.hashes, ...missing.hashes]),
  )
  const rows = (tally: Tally): Rows => ({
    count: tally.count,
    keys: tally.hashes
      .flatMap((hash) => keys.get(hash) ?? [])
      .sort(compareKeys)
      .slice(0, keysKept),
  })
  return { column: source.name, move, ...rows(found), missing: rows(missing) }
}

/** Declared moves that nothing came of: the column is still there, or the declaration names what is not. Pure. */
export function unmatchedMoves(moves: readonly DeclaredMove[], used: ReadonlySet<DeclaredMove>): readonly Finding[] {
  return moves
    .filter((move) => !used.has(move))
    .map((move) => ({
      kind: 'expectation.unmatched',
      object: move.from.table,
      columns: [move.from.column],
      title: `The migration declares that the values of ${placeOf(move.from)} move to ${placeOf(move.to)}, and nothing in this run matches it.`,
      evidence: [
        'It is followed when the first column is gone, its table has a key, and the other table has the columns that are named.',
      ],
      migration: move.migration,
      where: { file: move.migration, line: move.line },
    }))
}

export const placeOf = ({ table, column }: DeclaredMove['from']) => `${table}(${column})`

const columnOf = (table: LedgerTable, name: string) => table.columns.find((column) => column.name === name)

function hashOfTexts(columns: readonly string[]): string {
  const texts = columns.map((name) => `${reference({ name })}::text`)
  const [only] = texts
  if (texts.length === 1 && only !== undefined) return hashOf(only)
  return `hash_record_extended(ROW(${texts.map((text) => `(${text}) COLLATE "C"`).join(', ')}), 0)`
}

/** Hash of the key and of the value, 8 bytes each, for every row that has a value; sorted by their bytes. */
async function* readSorted(
  connection: Connection,
  table: LedgerTable,
  keyHash: string,
  column: LedgerColumn,
  server: number,
): AsyncGenerator<Buffer, undefined> {
  const everything = everyChunk(table, 0)
  if (everything.heaps.length === 0) return
  const value = hashOf(looseText(column, server))
  await connection.query(`DECLARE moved NO SCROLL CURSOR FOR SELECT int8send(key) || int8send(value) AS record
    FROM (${selectRows(everything, `${keyHash} AS key, ${value} AS value`)}) AS ledger_moved WHERE key IS NOT NULL AND value IS NOT NULL ORDER BY record`)
  try {
    for (;;) {
      const { rows } = await connection.query<[Buffer]>({
        text: `FETCH ${rowsPerFetch} FROM moved`,
        rowMode: 'array',
      })
      for (const [record] of rows) yield record
      if (rows.length < rowsPerFetch) return
    }
  } finally {
    await connection.query('CLOSE moved').catch(() => {})
  }
}
