import type { Connection, Database } from '../../database/engine.ts'
import { displayName, qualified } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import { type Complaint, type Corruption, compareCorruption } from './corruption-findings.ts'
import { type Rule, ruleSql, takeRules } from './rules.ts'
import { ledgerSchema } from './schemas.ts'

export type CorruptionOptions = {
  readonly signal?: AbortSignal | undefined
  /** Called after each object. */
  readonly onProgress?:
    | ((progress: { readonly done: number; readonly of: number; readonly object: string }) => void)
    | undefined
}

/**
 * Whether what is stored in after agrees with itself: every page of every table and B-tree index by amcheck, and the checks
 * and generated columns that call functions of the app, which may say something else than when the rows were written.
 * What is wrong is asked of before too: old damage is a warning. Nothing is written: amcheck's functions are made in the
 * session's own schema, in a transaction that is rolled back. Throws `aborted`, `database.failed`.
 */
export async function compareCorrupt(before: Database, after: Database, options: CorruptionOptions = {}) {
  const found = await takeCorruption(after, options)
  const old =
    found.complaints.length === 0
      ? undefined
      : await takeCorruption(before, options, new Set(found.complaints.map(({ name }) => name)))
  return compareCorruption(old, found)
}

/** `only`: names of the objects to look at; all of them by default. */
async function takeCorruption(
  database: Database,
  { signal, onProgress }: CorruptionOptions,
  only?: ReadonlySet<string>,
): Promise<Corruption> {
  await using connection = await database.connect({ applicationName: 'greenlight pages' })
  const { rows } = await connection.query<Relation>(relationsQuery)
  const mine = rows.filter(({ schema, name }) => ledgerSchema(schema) && wanted(displayName(schema, name), only))
  const rules = (await takeRules(connection)).filter(({ name }) => wanted(name, only))
  const done = { heaps: 0, indexes: 0, rules: 0, unreadIndexes: mine.filter((one) => one.kind === 'other').length }
  const complaints: Complaint[] = []
  // Heaps first: what reads a damaged one would only say the same again.
  const looks = [
    ...mine.filter(({ kind }) => kind === 'heap'),
    ...mine.filter(({ kind }) => kind === 'btree'),
    ...rules,
  ]
  const damaged = new Set<string>()
  await connection.query(`BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL row_security = off`)
  try {
    const amcheck = await makeAmcheck(connection)
    for (const [index, one] of looks.entries()) {
      throwIfAborted(signal, `looking at the pages of ${database.name}`)
      if ((!amcheck && one.kind !== 'rule') || damaged.has(tableOf(one))) continue
      const complaint = await look(connection, one)
      if (complaint) complaints.push(complaint)
      if (complaint?.kind === 'heap') damaged.add(complaint.object)
      done[one.kind === 'rule' ? 'rules' : one.kind === 'heap' ? 'heaps' : 'indexes']++
      const name = one.kind === 'rule' ? one.name : displayName(one.schema, one.name)
      onProgress?.({ done: index + 1, of: looks.length, object: name })
    }
    return { complaints, numbers: done, amcheck }
  } finally {
    await connection.query('ROLLBACK').catch(() => {})
  }
}

const wanted = (name: string, only: ReadonlySet<string> | undefined) => only === undefined || only.has(name)

type Relation = {
  readonly oid: string
  readonly schema: string
  readonly name: string
  /** The table, of an index. */
  readonly table_schema: string
  readonly table: string
  readonly kind: 'heap' | 'btree' | 'other'
}

const tableOf = (one: Relation | Rule) => (one.kind === 'rule' ? one.table : displayName(one.table_schema, one.table))

async function look(connection: Connection, one: Relation | Rule): Promise<Complaint | undefined> {
  const name = one.kind === 'rule' ? one.name : displayName(one.schema, one.name)
  const of = {
    name,
    kind: one.kind,
    object: tableOf(one),
  }
  await connection.query('SAVEPOINT look')
  try {
    const said = one.kind === 'rule' ? await breaches(connection, one) : await amcheckSays(connection, one)
    await connection.query('RELEASE look')
    return said.length === 0 ? undefined : { ...of, state: 'broken', said, sql: sqlOf(one) }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5))
      throw error
    await connection.query('ROLLBACK TO look')
    // amcheck names blocks and line pointers; any other message may hold a value.
    if (error.code.startsWith('XX00')) return { ...of, state: 'broken', said: [error.message], sql: sqlOf(one) }
    return { ...of, state: 'unreadable', said: [`SQLSTATE ${error.code}`], sql: sqlOf(one) }
  }
}

async function amcheckSays(connection: Connection, { oid, kind }: Relation): Promise<readonly string[]> {
  if (kind === 'btree') {
    await connection.query(`SELECT pg_temp.greenlight_btree($1::oid::regclass)`, [oid])
    return []
  }
  const { rows } = await connection.query<{ blkno: string; offnum: number | null; msg: string }>(
    `SELECT blkno, offnum, msg FROM pg_temp.verify_heapam($1::oid::regclass, false, true, 'none', NULL, NULL) LIMIT 20`,
    [oid],
  )
  return rows.map(({ blkno, offnum, msg }) => `block ${blkno}${offnum === null ? '' : `, item ${offnum}`}: ${msg}`)
}

async function breaches(connection: Connection, rule: Rule): Promise<readonly string[]> {
  // As the app's sessions have it, for functions that name tables without their schema.
  await connection.query('SET LOCAL search_path = public, extensions')
  const { rows } = await connection.query<{ broken: number }>(ruleSql(rule))
  const broken = rows[0]?.broken ?? 0
  return broken === 0 ? [] : [`${broken.toLocaleString('en-US')} row${broken === 1 ? '' : 's'}`]
}

function sqlOf(one: Relation | Rule): string {
  if (one.kind === 'rule') return ruleSql(one)
  const name = `'${qualified(one.schema, one.name)}'`
  return one.kind === 'heap'
    ? `SELECT * FROM verify_heapam(${name}, check_toast => true);`
    : `SELECT bt_index_check(${name}, true);`
}

/** False where the server does not carry amcheck. */
async function makeAmcheck(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ there: boolean; version: number }>(
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck') AS there, current_setting('server_version_num')::int AS version`,
  )
  const [server] = rows
  if (!server?.there || server.version < 140_000) return false
  // Uniqueness is checked from PostgreSQL 17 on.
  const unique = server.version >= 170_000
  await connection.query(`
    CREATE FUNCTION pg_temp.bt_index_check(regclass, boolean${unique ? ', boolean' : ''}) RETURNS void
      AS '$libdir/amcheck', 'bt_index_check' LANGUAGE C STRICT;
    CREATE FUNCTION pg_temp.greenlight_btree(regclass) RETURNS void LANGUAGE sql
      AS 'SELECT pg_temp.bt_index_check($1, true${unique ? ', true' : ''})';
    CREATE FUNCTION pg_temp.verify_heapam(relation regclass, on_error_stop boolean, check_toast boolean, skip text,
      startblock bigint, endblock bigint, OUT blkno bigint, OUT offnum integer, OUT attnum integer, OUT msg text)
      RETURNS SETOF record AS '$libdir/amcheck', 'verify_heapam' LANGUAGE C`)
  return true
}

const relationsQuery = `
SELECT c.oid::text, n.nspname AS schema, c.relname AS name, n.nspname AS table_schema, c.relname AS "table", 'heap' AS kind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND pg_relation_size(c.oid) > 0
UNION ALL
SELECT c.oid::text, n.nspname, c.relname, tn.nspname, t.relname, CASE am.amname WHEN 'btree' THEN 'btree' ELSE 'other' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind = 'i' AND i.indisready AND i.indisvalid AND t.relpersistence <> 't'
ORDER BY 2, 3`
