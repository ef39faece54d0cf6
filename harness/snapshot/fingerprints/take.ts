import type { Connection } from '../../database/engine.ts'
import { displayName, qualified, quoteIdentifier } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Fingerprint } from '../../model/fingerprint.ts'
import { canonicalSettings } from '../ledger/session.ts'

type FoundTable = {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  readonly bytes: number
}

export type FingerprintOptions = {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: { readonly done: number; readonly of: number; readonly table: string }) => void
  /** After so many milliseconds a table is given up. Default: never. */
  readonly statementTimeout?: number
}

/**
 * The rows of every table in a number, made in the server: the sum of a hash of each row's text, so that the order of rows
 * does not count, and no version or platform of a server makes another of the same rows. Reads within the transaction
 * that the connection is in. Generated columns are left out, since no dump holds them, and so are Postgres' own tables
 * and those of extensions. Throws `aborted`, and what Postgres says when a table cannot be read.
 */
export async function takeFingerprints(
  connection: Connection,
  options: FingerprintOptions = {},
): Promise<Fingerprint[]> {
  await connection.query(`${canonicalSettings}; SET statement_timeout = ${options.statementTimeout ?? 0}`)
  const { rows: tables } = await connection.query<FoundTable>(tablesSql)
  const fingerprints: Fingerprint[] = []
  for (const { schema, name, columns } of tables.toSorted((a, b) => b.bytes - a.bytes)) {
    const table = displayName(schema, name)
    throwIfAborted(options.signal, `hashing ${table}`)
    const row = columns.map((column) => `hashed.${quoteIdentifier(column)}`).join(', ')
    const { rows } = await connection.query<{ rows: number; hash: string }>(
      `SELECT count(*)::float8 AS rows, coalesce(sum(hashtextextended(ROW(${row})::text COLLATE "C", 0)), 0)::text AS hash
       FROM ONLY ${qualified(schema, name)} AS hashed`,
    )
    const [found] = rows
    if (found === undefined) throw new Error(`No hash of ${table} came back.`)
    fingerprints.push({ table, columns, rows: found.rows, hash: found.hash })
    options.onProgress?.({ done: fingerprints.length, of: tables.length, table })
  }
  return fingerprints.sort((a, b) => (a.table < b.table ? -1 : 1))
}

const tablesSql = `
  SELECT n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid)::float8 AS bytes,
    coalesce((SELECT json_agg(a.attname ORDER BY a.attname COLLATE "C") FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '[]') AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')`
