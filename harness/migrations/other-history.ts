import type { Connection, Database } from '../database/engine.ts'
import type { Layout } from './layout.ts'

export type OtherLayout = Exclude<Layout, 'supabase'>

/** One migration that another tool than Supabase's CLI has noted as applied. */
export type OtherEntry = {
  /** As the tool writes it: dbmate's version, a name without `.sql`, prisma's folder, drizzle's hash. */
  readonly id: string
  /** SHA-256 of the file as it was applied, in hex. */
  readonly sha256?: string
  /** Drizzle: `when` of the journal. */
  readonly when?: number
  /** Prisma: it began, and neither ended nor was taken back. */
  readonly unfinished?: boolean
}

export type OtherHistory = { readonly table: string; readonly entries: readonly OtherEntry[] }

const sources: Readonly<Record<OtherLayout, { readonly tables: readonly string[]; readonly columns: string }>> = {
  dbmate: { tables: ['public.schema_migrations'], columns: 'version::text AS id' },
  'node-pg-migrate': { tables: ['public.pgmigrations'], columns: 'name::text AS id' },
  drizzle: {
    tables: ['drizzle.__drizzle_migrations', 'public.__drizzle_migrations'],
    columns: 'hash::text AS id, hash::text AS sha256, created_at::float8 AS "when"',
  },
  prisma: {
    tables: ['public._prisma_migrations'],
    columns:
      'migration_name::text AS id, checksum::text AS sha256, finished_at IS NULL AS unfinished, rolled_back_at IS NOT NULL AS undone',
  },
}

/** What the tool of a layout has noted in production; undefined when its table is not in the dump. Throws `database.failed`. */
export async function readOtherHistory(database: Database, layout: OtherLayout): Promise<OtherHistory | undefined> {
  await using connection = await database.connect({ readOnly: true, applicationName: 'greenlight history' })
  const { tables, columns } = sources[layout]
  for (const table of tables) {
    const { rows } = await connection.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [table])
    if (rows[0]?.found) return { table, entries: await entriesOf(connection, table, columns) }
  }
  return undefined
}

async function entriesOf(connection: Connection, table: string, columns: string): Promise<readonly OtherEntry[]> {
  const { rows } = await connection.query<OtherEntry & { readonly undone?: boolean }>(
    `SELECT ${columns} FROM ${table} ORDER BY 1`,
  )
  return rows.filter(({ undone }) => undone !== true).map(({ undone: _, ...entry }) => entry)
}
