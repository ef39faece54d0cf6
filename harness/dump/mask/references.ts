import { identifiersIn, plainIdentifier } from '../../database/identifiers.ts'
import type { TocEntry } from '../dump.ts'

/** One column of a foreign key, and the one that it must be found in. Tables are `schema.table`, names as they are. */
export type Reference = {
  readonly from: { readonly table: string; readonly column: string }
  readonly to: { readonly table: string; readonly column: string }
}

const name = String.raw`(?:"(?:[^"]|"")+"|[^\s".,()]+)`
const foreignKey = new RegExp(
  String.raw`^\s*ALTER TABLE (?:ONLY )?(${name})\.(${name})\s+ADD CONSTRAINT ${name} FOREIGN KEY \(([^)]*)\) REFERENCES (${name})\.(${name})\(([^)]*)\)`,
  'i',
)

/** Pure: the columns that the dump's foreign keys tie to one another. */
export function referencesIn(entries: readonly TocEntry[]): Reference[] {
  return entries.flatMap(({ type, definition }) => {
    const [, schema = '', table = '', columns = '', toSchema = '', toTable = '', toColumns = ''] =
      type === 'FK CONSTRAINT' ? (foreignKey.exec(definition) ?? []) : []
    const targets = identifiersIn(toColumns)
    return identifiersIn(columns).flatMap((column, at) => {
      const target = targets[at]
      if (target === undefined) return []
      const from = { table: `${plainIdentifier(schema)}.${plainIdentifier(table)}`, column }
      return [{ from, to: { table: `${plainIdentifier(toSchema)}.${plainIdentifier(toTable)}`, column: target } }]
    })
  })
}

/** Pure: the columns of a COPY statement, in its order; undefined: it lists none, and means all that are not generated. */
export function copyColumns(statement: string): string[] | undefined {
  const list = new RegExp(String.raw`^\s*COPY ${name}\.${name}\s*\((.*)\)\s+FROM stdin`, 'is').exec(statement)
  return list === null ? undefined : identifiersIn(list[1] ?? '')
}
