import type { Connection, Database } from '../database/engine.ts'
import { displayName, qualified, quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import type { MigrationRun } from '../model/migration-run.ts'
import { strength } from './lock-modes.ts'

/** A table with the requests that are sent to it; their texts hold keys of rows, and are shown to nobody. */
export type CanaryTable = {
  readonly name: string
  readonly reads: readonly string[]
  /** Each sets a column to what it holds; to be rolled back. */
  readonly writes: readonly string[]
}

const mostTables = 10
const keysPerTable = 8

/** Tables that were there and that a traced run locked in a way that somebody may have to wait for, the longest held first. */
export function touchedTables({ migrations }: MigrationRun): readonly string[] {
  const held = new Map<string, number>()
  for (const { locks = [] } of migrations.flatMap(({ trace = [] }) => trace)) {
    for (const { object, mode, existed, heldMs } of locks) {
      if (!existed || strength(mode) < strength('ROW EXCLUSIVE')) continue
      held.set(object, Math.max(heldMs, held.get(object) ?? 0))
    }
  }
  return [...held].sort(([, one], [, other]) => other - one).map(([name]) => name)
}

/** The requests for the first ten tables of `names`; views, sequences and tables with rules are left out. */
export async function canaryTables(database: Database, names: readonly string[]): Promise<readonly CanaryTable[]> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight canaries' })
  const { rows } = await session.query<TableRow>(
    `SELECT n.nspname AS schema, c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_index i
          CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
       (SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
        ORDER BY EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey)), a.attnum
        LIMIT 1) AS column
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relhasrules AND n.nspname NOT LIKE 'pg\\_%'`,
  )
  const known = new Map(rows.map((row) => [displayName(row.schema, row.name), row]))
  const tables: CanaryTable[] = []
  for (const name of names) {
    const row = known.get(name)
    if (row && tables.length < mostTables) tables.push({ name, ...(await requests(session, row)) })
  }
  return tables
}

type TableRow = {
  readonly schema: string
  readonly name: string
  readonly key: readonly string[] | null
  readonly column: string | null
}

async function requests(
  session: Connection,
  { schema, name, key, column }: TableRow,
): Promise<Pick<CanaryTable, 'reads' | 'writes'>> {
  const table = qualified(schema, name)
  const set = column === null ? undefined : `${quoteIdentifier(column)} = ${quoteIdentifier(column)}`
  const conditions = key === null ? [] : await keyConditions(session, table, key)
  // Without a row, or a key to find one by, the lock on the table is felt all the same.
  const where = conditions.length > 0 ? conditions : ['false']
  return {
    reads: where.map((condition) => `SELECT FROM ${table} WHERE ${condition}`),
    writes: set === undefined ? [] : where.map((condition) => `UPDATE ${table} SET ${set} WHERE ${condition}`),
  }
}

/** Of rows at both ends of the primary key. */
async function keyConditions(session: Connection, table: string, key: readonly string[]): Promise<readonly string[]> {
  const columns = key.map(quoteIdentifier)
  const end = (direction: string) =>
    `(SELECT ${columns.map((column, at) => `${column}::text AS k${at}`).join(', ')} FROM ${table}
      ORDER BY ${columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${keysPerTable / 2})`
  const { rows } = await session.query<Readonly<Record<string, string>>>(`${end('ASC')} UNION ${end('DESC')}`)
  return rows.map((row) =>
    columns.map((column, at) => `${column} = ${quoteLiteral(row[`k${at}`] ?? '')}`).join(' AND '),
  )
}
