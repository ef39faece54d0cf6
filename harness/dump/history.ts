import { displayName } from '../database/identifiers.ts'
import type { Dump, DumpedTable } from './dump.ts'
import { countRows } from './load/rows.ts'

/** What a table says of the migrations that production has; `newest` is its last version, where versions are plain texts. */
export type MigrationHistory = { readonly table: string; readonly rows: number; readonly newest?: string }

/** Tables in which the tools keep their history, and the column of its versions. */
const tables: readonly { readonly schema?: string; readonly name: string; readonly column?: string }[] = [
  { schema: 'supabase_migrations', name: 'schema_migrations', column: 'version' },
  { schema: 'public', name: 'schema_migrations', column: 'version' },
  { schema: 'drizzle', name: '__drizzle_migrations' },
  { name: 'pgmigrations', column: 'name' },
  { name: '_prisma_migrations' },
]

/** Reads the histories that a dump holds, out of the dump itself. Throws `dump.corrupt`. */
export async function readHistories(dump: Dump): Promise<MigrationHistory[]> {
  const histories: MigrationHistory[] = []
  for (const table of dump.tables) {
    const known = tables.find(({ schema, name }) => name === table.name && (schema ?? table.schema) === table.schema)
    if (!known) continue
    const newest = known.column === undefined ? undefined : await newestOf(dump, table, known.column)
    const rows = await countRows(dump.data, table.entryId)
    const name = displayName(table.schema, table.name)
    histories.push({ table: name, rows, ...(newest === undefined ? {} : { newest }) })
  }
  return histories
}

async function newestOf(dump: Dump, { entryId }: DumpedTable, column: string): Promise<string | undefined> {
  const statement = dump.entries.find(({ id }) => id === entryId)?.copyStatement ?? ''
  const columns = /\((.*)\) FROM stdin/.exec(statement)?.[1]?.split(', ') ?? []
  const at = columns.findIndex((name) => name.replaceAll('"', '') === column)
  if (at < 0) return undefined
  let newest: string | undefined
  let rest = ''
  const decoder = new TextDecoder()
  for await (const piece of dump.data.rows(entryId)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '\\.') return newest
      const version = line.split('\t')[at]
      if (version !== undefined && (newest === undefined || version > newest)) newest = version
    }
  }
  return newest
}
