import type { Connection, Database } from '../../database/engine.ts'
import { quoteIdentifier } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import type { LedgerCatalog, LedgerTable } from './catalog.ts'
import { count, rowsOf } from './findings.ts'
import { keyLine } from './key-line.ts'
import { planLedger, type Side } from './layout.ts'
import { compareKeys, noRows, type Rows } from './outcome.ts'
import { type Reference, referenceName, takeReferences } from './references.ts'
import { keysKept } from './rows.ts'
import { eachWithPair, openPair } from './session.ts'
import type { LedgerOptions } from './take.ts'

/** Rows of one reference on both sides whose other end does not exist. */
export type OrphanCount = {
  readonly reference: Reference
  /** The child table after. */
  readonly table: LedgerTable
  readonly before: Rows
  readonly after: Rows
}

/** `equal`: objects whose rows are the same on both sides; a validated foreign key between two of them needs no second look. */
export async function takeOrphans(
  before: Database,
  after: Database,
  catalogs: Readonly<Record<Side, LedgerCatalog>>,
  equal: ReadonlySet<string>,
  options: LedgerOptions = {},
): Promise<readonly OrphanCount[]> {
  await using first = await openPair(before, after, options.signal, options.kept)
  const [declaredBefore, references] = await Promise.all([
    takeReferences(first.before, catalogs.before),
    takeReferences(first.after, catalogs.after),
  ])
  const held = new Set(declaredBefore.filter((reference) => reference.validated).map(referenceName))
  const named = new Map(planLedger(catalogs.before, catalogs.after).pairs.map((pair) => [pair.after.object, pair]))
  const afterTables = new Map(catalogs.after.tables.map((table) => [table.object, table]))
  const counts: OrphanCount[] = []
  const open = references.filter(
    (reference) => !reference.validated || !equal.has(reference.child) || !equal.has(reference.parent),
  )
  await eachWithPair(
    before,
    after,
    open,
    { pairs: options.jobs ?? 1, signal: options.signal, kept: options.kept },
    async (pair, reference) => {
      const table = afterTables.get(reference.child)
      const parent = afterTables.get(reference.parent)
      if (!table || !parent) return
      const found = await countOrphans(pair.after, reference, table, parent)
      const child = named.get(reference.child)
      const earlier = named.get(reference.parent)
      const columns = reference.columns.map((name) => child?.common.find((one) => one.after.name === name)?.before.name)
      const parentColumns = reference.parentColumns.map(
        (name) => earlier?.common.find((one) => one.after.name === name)?.before.name,
      )
      const known = columns.every((name) => name !== undefined) && parentColumns.every((name) => name !== undefined)
      const same =
        known && child && earlier
          ? {
              ...reference,
              child: child.before.object,
              parent: earlier.before.object,
              columns: columns.map(String),
              parentColumns: parentColumns.map(String),
            }
          : undefined
      // What a validated foreign key held before needs no count, unless it did not hold after all.
      const old =
        same && child && earlier && (found.rows.count > 0 || !held.has(referenceName(same)))
          ? await countOrphans(pair.before, same, child.before, earlier.before)
          : { rows: noRows, matched: 0 }
      // A column that never matched is no reference, whatever its name says.
      if (reference.constraint === undefined && found.matched === 0 && old.matched === 0) return
      counts.push({ reference, table, before: old.rows, after: found.rows })
    },
  )
  return counts.sort((left, right) => (referenceName(left.reference) < referenceName(right.reference) ? -1 : 1))
}

/** New orphans block; old ones are a warning. Pure. */
export function compareOrphans(counts: readonly OrphanCount[]): {
  readonly findings: readonly Finding[]
  readonly check: Check
} {
  const findings = counts.flatMap(({ reference, table, before, after }): readonly Finding[] => {
    if (after.count === 0) return []
    const old = new Set(before.keys.map((key) => JSON.stringify(key)))
    const fresh = after.keys.filter((key) => !old.has(JSON.stringify(key)))
    const listed = before.keys.length === before.count && after.keys.length === after.count
    const added = listed ? fresh.length : Math.max(0, after.count - before.count)
    const parts: Finding[] = []
    if (added > 0) parts.push(orphanFinding(reference, table, { count: added, keys: fresh.slice(0, added) }, true))
    if (after.count > added) {
      const kept = after.keys.filter((key) => old.has(JSON.stringify(key)))
      parts.push(orphanFinding(reference, table, { count: after.count - added, keys: kept }, false))
    }
    return parts
  })
  const orphansBefore = counts.reduce((sum, one) => sum + one.before.count, 0)
  const orphansAfter = counts.reduce((sum, one) => sum + one.after.count, 0)
  const harm = findings.some((finding) => finding.severity === 'blocking')
  return {
    findings,
    check: {
      id: 'data.orphans',
      metric: 'data',
      title: 'No row points at a row that does not exist, unless it did before',
      status: harm ? 'failed' : 'passed',
      required: true,
      summary: `${count(counts.length)} references looked at: ${rowsOf(orphansBefore)} without the row they point at before, ${count(orphansAfter)} after${harm ? ', some of them new' : ''}.`,
      numbers: { referencesChecked: counts.length, orphansBefore, orphansAfter },
    },
  }
}

function orphanFinding(reference: Reference, table: LedgerTable, rows: Rows, fresh: boolean): Finding {
  const declared =
    reference.constraint === undefined
      ? 'No foreign key declares it; the name of the column does.'
      : `Foreign key ${reference.constraint}.`
  const [key] = table.keys
  return {
    kind: 'data.orphans',
    object: reference.child,
    columns: reference.columns,
    severity: fresh ? 'blocking' : 'warning',
    title: `${rowsOf(rows.count)} of ${reference.child} point${rows.count === 1 ? 's' : ''} at rows of ${reference.parent} that do not exist${fresh ? ' any more' : ', as before the migration'}.`,
    evidence: [`${referenceName(reference)}. ${declared}`, ...keyLine(rows, table, key)],
    rows: {
      side: 'after',
      table: reference.child,
      keyColumns: key ?? [],
      keys: rows.keys,
      complete: key !== undefined && rows.keys.length === rows.count,
    },
  }
}

async function countOrphans(connection: Connection, reference: Reference, child: LedgerTable, parent: LedgerTable) {
  const name = (table: LedgerTable) => `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
  const on = reference.columns.map(
    (column, index) => `c.${quoteIdentifier(column)} = p.${quoteIdentifier(reference.parentColumns[index] ?? '')}`,
  )
  const present = reference.columns.map((column) => `c.${quoteIdentifier(column)} IS NOT NULL`).join(' AND ')
  const pointed = `p.${quoteIdentifier(reference.parentColumns[0] ?? '')}`
  const from = `FROM ${name(child)} c LEFT JOIN ${name(parent)} p ON ${on.join(' AND ')} WHERE ${present}`
  // An operator of an extension's type (citext) may lie outside of pg_catalog.
  await connection.query('SET search_path = pg_catalog, public, extensions')
  const counted = await connection.query<{ all: number; matched: number }>(
    `SELECT count(*)::float8 AS all, count(${pointed})::float8 AS matched ${from}`,
  )
  const { all = 0, matched = 0 } = counted.rows[0] ?? {}
  const orphans = all - matched
  const key = (child.keys[0] ?? []).map((column) => `c.${quoteIdentifier(column)}::text`)
  if (orphans === 0 || key.length === 0) return { matched, rows: { count: orphans, keys: [] } }
  const listed = await connection.query<{ key: string[] }>(
    `SELECT ARRAY[${key.join(', ')}] AS key ${from} AND ${pointed} IS NULL ORDER BY 1 LIMIT ${keysKept}`,
  )
  return { matched, rows: { count: orphans, keys: listed.rows.map((row) => row.key).sort(compareKeys) } }
}
