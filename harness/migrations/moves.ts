import type { DeclaredMove } from '../model/declared-move.ts'

export const moveForm =
  '-- greenlight: moves <schema.table>(<column>) to <schema.table>(<column>) by <column>[, …] because <reason>'

const place = String.raw`((?:"[^"]*"|[^\s()"])+)\s*\(\s*("[^"]*"|[^\s()]+)\s*\)`
const shape = new RegExp(
  String.raw`^moves\s+${place}\s+to\s+${place}\s+by\s+((?:"[^"]*"|[^\s,]+)(?:\s*,\s*(?:"[^"]*"|[^\s,]+))*)\s+because\s+(\S.*)$`,
  'is',
)

/** One declared move without its marker: `moves public.profiles(phone) to …`. */
export function parseMove(words: string): Omit<DeclaredMove, 'migration' | 'line'> | { readonly problem: string } {
  const found = shape.exec(words)
  if (!found) return { problem: `it declares a move and cannot be read. The form is: ${moveForm}` }
  const [, from = '', column = '', to = '', into = '', by = '', reason = ''] = found
  if (reason.trim() === '…') return { problem: 'the reason after "because" is empty.' }
  return {
    from: { table: from, column: unquoted(column) },
    to: { table: to, column: unquoted(into) },
    by: by.split(',').map((name) => unquoted(name.trim())),
  }
}

const unquoted = (name: string) => name.replace(/^"(.*)"$/, '$1')
