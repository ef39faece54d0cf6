import type { Connection } from '../../database/engine.ts'
import { displayName, qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { ledgerSchema } from './schemas.ts'

/** A sequence that feeds a column: what it will hand out next, and the largest value that is taken. Whole numbers. */
export type SequenceFacts = {
  readonly sequence: string
  readonly table: string
  readonly column: string
  readonly next: bigint
  readonly largest: bigint | undefined
}

/** Ascending sequences that are owned by a column (serial, identity) or named in its default. */
export async function takeSequences(connection: Connection): Promise<readonly SequenceFacts[]> {
  const { rows: fed } = await connection.query<FedColumn>(fedQuery)
  const columns = fed.filter((row) => ledgerSchema(row.table_schema))
  if (columns.length === 0) return []
  const parts = columns.map((row, index) => {
    const table = qualified(row.table_schema, row.table)
    return `SELECT ${index} AS place, s.last_value::text AS last, s.is_called AS called,
      (SELECT max(${quoteIdentifier(row.column)})::text FROM ${table}) AS largest FROM ${qualified(row.schema, row.name)} s`
  })
  const { rows } = await connection.query<{ place: number; last: string; called: boolean; largest: string | null }>(
    parts.join('\nUNION ALL\n'),
  )
  return rows.flatMap((row): readonly SequenceFacts[] => {
    const column = columns[row.place]
    if (!column) return []
    return [
      {
        sequence: displayName(column.schema, column.name),
        table: displayName(column.table_schema, column.table),
        column: column.column,
        next: BigInt(row.last) + (row.called ? BigInt(column.increment) : 0n),
        largest: row.largest === null ? undefined : BigInt(row.largest.split('.')[0] ?? '0'),
      },
    ]
  })
}

/** A sequence that feeds no numeric column: numbers of invoices that a function takes, a text default. What it will hand out next. */
export type LooseSequence = { readonly sequence: string; readonly next: bigint }

/** Ascending sequences of the app that `takeSequences` leaves out: no column tells which of their numbers are taken. */
export async function takeLooseSequences(connection: Connection): Promise<readonly LooseSequence[]> {
  const { rows: all } = await connection.query<Pick<FedColumn, 'schema' | 'name' | 'increment'>>(looseQuery)
  const { rows: fed } = await connection.query<FedColumn>(fedQuery)
  const known = new Set(fed.map((row) => displayName(row.schema, row.name)))
  const loose = all.filter((row) => ledgerSchema(row.schema) && !known.has(displayName(row.schema, row.name)))
  if (loose.length === 0) return []
  const parts = loose.map(
    ({ schema, name }, index) =>
      `SELECT ${index} AS place, s.last_value::text AS last, s.is_called AS called FROM ${qualified(schema, name)} s`,
  )
  const { rows } = await connection.query<{ place: number; last: string; called: boolean }>(parts.join('\nUNION ALL\n'))
  return rows.flatMap(({ place, last, called }): readonly LooseSequence[] => {
    const row = loose[place]
    if (!row) return []
    return [{ sequence: displayName(row.schema, row.name), next: BigInt(last) + (called ? BigInt(row.increment) : 0n) }]
  })
}

/** A sequence that goes back hands numbers out twice, and no unique key stands in the way. Pure. */
export function compareLooseSequences(
  before: readonly LooseSequence[],
  after: readonly LooseSequence[],
): readonly Finding[] {
  const old = new Map(before.map(({ sequence, next }) => [sequence, next]))
  return after.flatMap(({ sequence, next }): readonly Finding[] => {
    const was = old.get(sequence)
    if (was === undefined || next >= was) return []
    return [
      {
        kind: 'data.sequence-behind',
        object: sequence,
        title: `Sequence ${sequence} went back: the next number was ${was}, and is ${next} now.`,
        evidence: ['It feeds no numeric column, so nothing tells which of the numbers between are taken.'],
        fix: `SELECT setval(${quoteLiteral(sequence)}, ${was}, false);`,
      },
    ]
  })
}

/** A sequence that fell behind blocks: the next inserts fail or overwrite. One that was behind already is a warning. Pure. */
export function compareSequences(
  before: readonly SequenceFacts[],
  after: readonly SequenceFacts[],
  wentBack: readonly Finding[] = [],
): { readonly findings: readonly Finding[]; readonly check: Check } {
  const old = new Set(before.filter(isBehind).flatMap((facts) => [`${facts.table}/${facts.column}`, facts.sequence]))
  const findings = after.filter(isBehind).map((facts): Finding => {
    const already = old.has(`${facts.table}/${facts.column}`) || old.has(facts.sequence)
    return {
      kind: 'data.sequence-behind',
      object: facts.table,
      columns: [facts.column],
      severity: already ? 'warning' : 'blocking',
      title: `The next ${facts.column} of ${facts.table} will be ${facts.next}, but ${facts.largest} is taken${already ? ', as before the migration' : ''}.`,
      evidence: [`Sequence ${facts.sequence}: next value ${facts.next}; largest ${facts.column} ${facts.largest}.`],
      fix: `SELECT setval(${quoteLiteral(facts.sequence)}, (SELECT max(${facts.column}) FROM ${facts.table}));`,
    }
  })
  const harm = findings.filter((finding) => finding.severity === 'blocking').length + wentBack.length
  return {
    findings: [...findings, ...wentBack].sort((left, right) => (left.object < right.object ? -1 : 1)),
    check: {
      id: 'data.sequences',
      metric: 'data',
      title: 'Every sequence is ahead of the column that it feeds',
      status: harm > 0 ? 'failed' : 'passed',
      required: true,
      summary: `${after.length} sequences looked at, ${findings.length + wentBack.length} behind${findings.length + wentBack.length > 0 ? `, ${harm} of them newly so` : ''}.`,
      numbers: { sequencesChecked: after.length, sequencesBehind: findings.length + wentBack.length },
    },
  }
}

const isBehind = (facts: SequenceFacts) => facts.largest !== undefined && facts.next <= facts.largest

type FedColumn = {
  readonly schema: string
  readonly name: string
  readonly increment: string
  readonly table_schema: string
  readonly table: string
  readonly column: string
}

const fedQuery = `
SELECT DISTINCT sn.nspname AS schema, s.relname AS name, q.seqincrement::text AS increment,
  tn.nspname AS table_schema, t.relname AS "table", a.attname AS column
FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN (
  SELECT objid AS sequence, refobjid AS relation, refobjsubid AS attnum FROM pg_depend
  WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
  UNION
  SELECT d.refobjid, ad.adrelid, ad.adnum FROM pg_depend d JOIN pg_attrdef ad ON d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid
  WHERE d.refclassid = 'pg_class'::regclass
) fed ON fed.sequence = s.oid
JOIN pg_class t ON t.oid = fed.relation JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = fed.attnum AND NOT a.attisdropped
JOIN pg_type ty ON ty.oid = a.atttypid
WHERE s.relkind = 'S' AND t.relkind IN ('r', 'p') AND NOT t.relispartition AND q.seqincrement > 0 AND NOT q.seqcycle
  AND ty.typcategory = 'N'
  AND (a.attidentity <> '' OR EXISTS (SELECT FROM pg_attrdef x WHERE x.adrelid = t.oid AND x.adnum = a.attnum))
ORDER BY 1, 2, 4, 5, 6`

const looseQuery = `
SELECT n.nspname AS schema, c.relname AS name, q.seqincrement::text AS increment
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence q ON q.seqrelid = c.oid
WHERE c.relkind = 'S' AND q.seqincrement > 0 AND NOT q.seqcycle
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
ORDER BY 1, 2`
