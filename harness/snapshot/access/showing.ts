import { quoteIdentifier } from '../../database/identifiers.ts'
import { relationSql } from './exposed.ts'
import type { Relation, RowSetName } from './facts.ts'
import { grantsOf } from './probe-sql.ts'

/** A statement that shows what a role can do with the rows of a relation, for a transaction that is rolled back. */
export function showing(set: RowSetName, relation: Relation, role: string): string {
  const table = relationSql(relation)
  const grants = grantsOf(relation, role)
  if (set === 'deletable' && grants.delete) return `delete from ${table}`
  const [updated] = grants.update
  if (set === 'updatable' && updated !== undefined) {
    return `update ${table} set ${quoteIdentifier(updated)} = ${quoteIdentifier(updated)}`
  }
  if (set === 'insertable' && grants.insert.length > 0) {
    const columns = grants.insert.map((column) => quoteIdentifier(column)).join(', ')
    const one = grants.insert.every((column) => grants.select.includes(column))
      ? `select ${columns} from ${table} limit 1`
      : ''
    if (one !== '') return `insert into ${table} (${columns}) overriding system value ${one} on conflict do nothing`
  }
  return `select count(*) from ${table}`
}
