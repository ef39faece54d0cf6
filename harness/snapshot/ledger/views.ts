import type { Connection } from '../../database/engine.ts'
import { displayName, quoteIdentifier } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { count } from './findings.ts'
import { ledgerSchema } from './schemas.ts'
import type { SessionPair } from './session.ts'

/** A view that is defined otherwise after, and what it shows there beside what its old definition would. */
export type ViewRows = { readonly view: string; readonly old: ViewContent; readonly now: ViewContent }

type ViewContent =
  | { readonly state: 'read'; readonly rows: number; readonly hash: string }
  | { readonly state: 'failed'; readonly sqlstate: string }
  /** Two reads in a row differ: random, or bound to the clock. */
  | { readonly state: 'unsteady' }

export type Views = { readonly compared: number; readonly changed: readonly ViewRows[] }

/** Longest time of one read, in milliseconds. */
const longestRead = 30_000

/**
 * Views and materialised views whose definition changed. Both definitions are read on after, over the columns of the old
 * one: what the migrations did to the tables below cancels out, and what is left is the new definition's doing.
 */
export async function takeViews({ before, after }: SessionPair): Promise<Views> {
  const [was, is] = await Promise.all([readDefinitions(before), readDefinitions(after)])
  const now = new Map(is.map((view) => [view.name, view]))
  const changed: ViewRows[] = []
  for (const { name, definition, columns } of was) {
    const other = now.get(name)
    if (!other || other.definition === definition) continue
    // A column that is gone is told by the schema; nothing else can be read of a view that lost them all.
    const common = columns.filter((column) => other.columns.includes(column))
    if (common.length === 0) continue
    const onAfter = await readContent(after, definition, common)
    // It may speak of a name that is no more: then what it showed before has to do.
    const old = onAfter.state === 'failed' ? await readContent(before, definition, common) : onAfter
    changed.push({ view: name, old, now: await readContent(after, other.definition, common) })
  }
  return { compared: was.length, changed }
}

/** A view that shows other rows blocks until it is declared; one that cannot be compared says so. Pure. */
export function compareViews({ compared, changed }: Views): {
  readonly findings: readonly Finding[]
  readonly check: Check
} {
  const findings = changed.flatMap(viewFinding)
  const harm = findings.some(({ severity }) => severity === 'blocking')
  return {
    findings,
    check: {
      id: 'data.views',
      metric: 'data',
      title: 'Every view that was redefined shows what it showed before',
      status: harm ? 'failed' : 'passed',
      required: true,
      summary: `${count(compared)} views: ${count(changed.length)} redefined, ${count(findings.length)} of them not the same.`,
      numbers: { viewsCompared: compared, viewsRedefined: changed.length, viewsDifferent: findings.length },
    },
  }
}

function viewFinding({ view, old, now }: ViewRows): readonly Finding[] {
  const finding = (severity: 'blocking' | 'warning', title: string, evidence: string): readonly Finding[] => [
    { kind: 'schema.changed', object: view, severity, title, evidence: [evidence] },
  ]
  const basis =
    'Both definitions were read on the migrated copy where that is possible, over the columns that both have.'
  if (now.state === 'failed') {
    // A read that takes too long is slow on both sides, and told by the queries.
    const broken = old.state === 'read' && now.sqlstate !== '57014'
    const title = broken
      ? `${view} cannot be read any more.`
      : `What ${view} shows was not compared: it cannot be read here.`
    return finding(broken ? 'blocking' : 'warning', title, `It fails with SQLSTATE ${now.sqlstate}.`)
  }
  if (old.state === 'failed') {
    const why = `Its old definition fails on both sides, with SQLSTATE ${old.sqlstate}.`
    return finding('warning', `${view} was redefined, and what it shows could not be compared.`, why)
  }
  if (old.state === 'unsteady' || now.state === 'unsteady') {
    return finding('warning', `${view} was redefined, and shows something else at each read.`, basis)
  }
  if (old.rows === now.rows && old.hash === now.hash) return []
  const title =
    old.rows === now.rows
      ? `${view} shows other values or rows: ${count(now.rows)}, as many as before.`
      : `${view} shows ${count(now.rows)} rows, where its old definition shows ${count(old.rows)}.`
  return finding('blocking', title, basis)
}

async function readContent(
  connection: Connection,
  definition: string,
  columns: readonly string[],
): Promise<ViewContent> {
  const first = await readOnce(connection, definition, columns)
  if (first.state !== 'read') return first
  const second = await readOnce(connection, definition, columns)
  return second.state === 'read' && second.hash !== first.hash ? { state: 'unsteady' } : first
}

async function readOnce(connection: Connection, definition: string, columns: readonly string[]): Promise<ViewContent> {
  const values = columns.map((column) => `ledger_view.${quoteIdentifier(column)}::text COLLATE "C"`).join(', ')
  try {
    await connection.query(`SET statement_timeout = ${longestRead}`)
    const { rows } = await connection.query<{ rows: number; hash: string }>(
      `SELECT count(*)::float8 AS rows, coalesce(sum(hashtextextended(ROW(${values})::text, 0)), 0)::text AS hash
       FROM (${definition.replace(/;\s*$/, '')}) AS ledger_view`,
    )
    return rows[0] ? { state: 'read', ...rows[0] } : { state: 'failed', sqlstate: '02000' }
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5) {
      return { state: 'failed', sqlstate: error.code }
    }
    throw error
  } finally {
    await connection.query('SET statement_timeout = 0').catch(() => {})
  }
}

type Definition = { readonly name: string; readonly definition: string; readonly columns: readonly string[] }

async function readDefinitions(connection: Connection): Promise<readonly Definition[]> {
  const { rows } = await connection.query<{ schema: string; name: string; definition: string; columns: string[] }>(
    `SELECT n.nspname AS schema, c.relname AS name, pg_get_viewdef(c.oid) AS definition,
       (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}') FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('v', 'm') AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  )
  return rows
    .filter(({ schema }) => ledgerSchema(schema))
    .map(({ schema, name, definition, columns }) => ({ name: displayName(schema, name), definition, columns }))
}
