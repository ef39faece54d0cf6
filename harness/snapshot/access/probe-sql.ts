import { quoteIdentifier } from '../../database/identifiers.ts'
import { relationSql } from './exposed.ts'
import { type Grants, type Outcome, type Policy, type Probe, type Relation, type RowSetName, rowSets } from './facts.ts'
import { condition } from './policies.ts'

/** Key columns when the role may read them all, else every column it may read: a row must be told by what can be seen. */
export function readableKey(relation: Relation, role: string): readonly string[] {
  const readable = relation.grants[role]?.select ?? []
  return relation.key.columns.every((column) => readable.includes(column)) ? relation.key.columns : readable
}

/** A hash of the row's key, as bigint. One column is hashed as its text, so that a key that became bigint stays equal. */
export function keyHash(columns: readonly string[]): string {
  const [only, ...others] = columns.map((column) => quoteIdentifier(column))
  if (only === undefined) return '0::bigint'
  const text = others.length === 0 ? `${only}::text` : `row(${[only, ...others].join(', ')})::text`
  return `hashtextextended(coalesce(${text}, ''), 0)`
}

/** Rows of a probe that come back with it; of more, only their count and hash do. */
const fewRows = 1_000
/** Of more, so many come along as examples. */
const someRows = 20

/**
 * For each row that the role sees through row security: `h`, its key's hash, and `mask`: 1 when it passes the policies of
 * UPDATE, plus 2 for DELETE, plus 4 for INSERT. Exact for USING and for a WITH CHECK on the row as it is: an UPDATE or DELETE that a request
 * sends has a filter, so it reaches only rows that SELECT shows, and Postgres asks both commands' policies. INSERT stands
 * for a copy of the row. Nothing is written and no trigger fires.
 */
export function rowsQuery(
  relation: Relation,
  policies: readonly Policy[],
  role: string,
  key: readonly string[],
  only?: Probe['only'],
): string {
  const may = writeConditions(relation, policies, role)
  /** By rule, what it is worth in the mask: commands often have the same rule, which is then asked once for each row. */
  const worth = new Map<string, number>()
  for (const [bit, rule] of [may.updatable, may.deletable, may.insertable].entries()) {
    worth.set(rule, (worth.get(rule) ?? 0) | (1 << bit))
  }
  const terms = [...worth].flatMap(([rule, mask]) =>
    rule === 'true' ? `${mask}` : rule === 'false' ? [] : `case when ${rule} then ${mask} else 0 end`,
  )
  return `select ${keyHash(key)} as h, ${terms.join(' + ') || '0'} as mask from ${relationSql(relation)}${only === undefined ? '' : ` where ${only.where}`}`
}

/** One row: count and hash of each row set, and the rows where they are few. */
export function probeQuery(
  relation: Relation,
  policies: readonly Policy[],
  role: string,
  only?: Probe['only'],
): string {
  const sets = rowSets.map((set) => {
    const filter = `filter (where mask & ${maskOf[set]} = ${maskOf[set]})`
    return `count(*) ${filter} as ${set}, coalesce(sum(h::numeric) ${filter}, 0)::text as ${set}_hash`
  })
  return `select ${sets.join(', ')}, string_agg(h || ':' || mask, ',') filter (where n <= ${fewRows}) as rows
    from (select *, row_number() over () as n from (${rowsQuery(relation, policies, role, readableKey(relation, role), only)}) as r) as probe`
}

export const maskOf: Readonly<Record<RowSetName, number>> = { seen: 0, updatable: 1, deletable: 2, insertable: 4 }

export type ProbeRow = Readonly<Record<RowSetName | `${RowSetName}_hash`, string>> & { readonly rows: string | null }

export function probeOutcome(row: ProbeRow, key: readonly string[]): Outcome {
  const set = (name: RowSetName) => ({ count: Number(row[name]), hash: row[`${name}_hash`] })
  const sets = {
    seen: set('seen'),
    updatable: set('updatable'),
    deletable: set('deletable'),
    insertable: set('insertable'),
  }
  return {
    state: 'read',
    sets,
    key,
    ...(sets.seen.count > fewRows ? { some: firstOf(row.rows ?? '') } : { rows: row.rows ?? '' }),
  }
}

function firstOf(rows: string): string {
  return rows.split(',').slice(0, someRows).join(',')
}

type WriteSet = Exclude<RowSetName, 'seen'>

function writeConditions(relation: Relation, policies: readonly Policy[], role: string): Record<WriteSet, string> {
  const grants = relation.grants[role]
  if (grants === undefined || relation.kind === 'view') {
    return { updatable: 'false', deletable: 'false', insertable: 'false' }
  }
  const own = policies.filter((policy) => policy.relation === relation.name)
  const rule = (command: 'insert' | 'update' | 'delete') =>
    relation.rowSecurity && !grants.bypass ? condition(own, role, command) : 'true'
  return {
    updatable: grants.update.length > 0 ? rule('update') : 'false',
    deletable: grants.delete ? rule('delete') : 'false',
    insertable: grants.insert.length > 0 ? rule('insert') : 'false',
  }
}

/**
 * Statements that only have to be planned: planning applies policies and privileges, so a policy that recurses or names
 * what is gone fails here, for the commands whose row sets were evaluated outside of their policies.
 */
export function planStatements(relation: Relation, grants: Grants): { command: WriteSet; sql: string }[] {
  const table = relationSql(relation)
  const statements: { command: WriteSet; sql: string }[] = []
  const [readable] = grants.select
  if (relation.kind === 'view' || readable === undefined) return []
  const filter = `where ${quoteIdentifier(readable)} is null`
  const [updatable] = grants.update
  if (updatable !== undefined) {
    const sql = `explain update ${table} set ${quoteIdentifier(updatable)} = default ${filter}`
    statements.push({ command: 'updatable', sql })
  }
  if (grants.delete) statements.push({ command: 'deletable', sql: `explain delete from ${table} ${filter}` })
  const [insertable] = grants.insert
  if (insertable !== undefined) {
    const sql = `explain insert into ${table} (${quoteIdentifier(insertable)}) values (default)`
    statements.push({ command: 'insertable', sql })
  }
  return statements
}

export function grantsOf(relation: Relation, role: string): Grants {
  return relation.grants[role] ?? { select: [], insert: [], update: [], delete: false, bypass: false }
}
