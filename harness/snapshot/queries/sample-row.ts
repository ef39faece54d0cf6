import type { Connection } from '../../database/engine.ts'
import { qualified, quoteIdentifier } from '../../database/identifiers.ts'
import { impersonate } from '../access/impersonate.ts'
import type { Identity } from '../identities.ts'
import type { Compared } from './captured.ts'

/**
 * Values of the columns, as text: those of one table from one row, the first that `identity` sees, of any row where it
 * sees none. Within the open transaction, behind the savepoint `query`, to which the caller goes back.
 */
export async function sampleRow(
  session: Connection,
  identity: Identity,
  columns: readonly Compared[],
): Promise<ReadonlyMap<Compared, string>> {
  const values = new Map<Compared, string>()
  const byTable = Map.groupBy(columns, ({ schema, table }) => qualified(schema, table))
  for (const [from, own] of byTable) {
    const names = [...new Set(own.map(({ column }) => quoteIdentifier(column)))]
    const list = names.map((name) => `${name}::text as ${name}`).join(', ')
    const filled = names.map((name) => `${name} is not null`).join(' and ')
    for (const setUp of [impersonate(identity), 'set local role none']) {
      await session.query(`${setUp}; savepoint sample`)
      const row = await session
        .query<Record<string, string | null>>(`select ${list} from ${from} where ${filled} limit 1`)
        .then(({ rows }) => rows[0])
        .catch(() => undefined)
      await session.query('rollback to savepoint sample')
      if (row === undefined) continue
      for (const one of own) {
        const value = row[one.column]
        if (value !== null && value !== undefined) values.set(one, value)
      }
      break
    }
  }
  return values
}
