import { displayName } from '../database/identifiers.ts'
import type { MigrationFile, MigrationRun, Statement } from '../model/migration-run.ts'
import { strength } from './lock-modes.ts'
import { parseStatements, type SqlNode } from './parse.ts'
import type { TableSize } from './table-sizes.ts'

/** Rules of squawk about how long, or how strongly, a table is locked. The others stay warnings whatever the table is. */
export const lockRules: ReadonlySet<string> = new Set([
  'adding-field-with-default',
  'adding-foreign-key-constraint',
  'adding-not-nullable-field',
  'adding-serial-primary-key-field',
  'changing-column-type',
  'constraint-missing-not-valid',
  'disallowed-unique-constraint',
  'require-concurrent-index-creation',
  'require-concurrent-index-deletion',
  'require-concurrent-reindex',
  'require-lock-timeout',
])

/** What is known of the tables that migrations lock. */
export type LockedTables = {
  /** Traced. */
  readonly run: MigrationRun
  /** Before the migrations. */
  readonly sizes: ReadonlyMap<string, TableSize>
  /** Texts of what production asks, where a capture tells them. Without them a table that is there counts as used. */
  readonly queries?: readonly string[] | undefined
}

/** With its indexes: a few hundred rows, whose scan takes no time that anybody feels. */
const tinyBytes = 2 ** 20

/**
 * Why nobody waits for the locks of the statement in this line (from 1), one reason for each table; undefined where
 * somebody may, or where it is not known which tables it locks.
 */
export async function whyHarmless(
  file: MigrationFile,
  line: number,
  tables: LockedTables,
): Promise<readonly string[] | undefined> {
  const statement = file.statements.findLast((one) => one.line <= line)
  const applied = tables.run.migrations.find(({ name, trace }) => name === file.name && trace !== undefined)
  if (statement === undefined || applied === undefined) return undefined
  const next = file.statements[file.statements.indexOf(statement) + 1]?.line ?? Number.POSITIVE_INFINITY
  const traced = applied.trace?.filter((one) => one.line >= statement.line && one.line < next) ?? []
  // Several statements in one line cannot be told apart.
  if (traced.length !== 1) return undefined
  const locked = (traced[0]?.locks ?? []).filter(({ mode }) => strength(mode) >= strength('SHARE UPDATE EXCLUSIVE'))
  const named = await namesIn(statement, file)
  if (named === undefined) return undefined
  const names = [...new Set([...locked.map(({ object }) => object), ...named])].sort()
  if (names.length === 0) return undefined
  const made = new Set(
    tables.run.migrations
      .flatMap(({ trace = [] }) => trace.flatMap(({ locks = [] }) => locks))
      .filter(({ existed }) => !existed)
      .map(({ object }) => object),
  )
  const reasons = names.map((name) => harmless(name, made, tables))
  return reasons.every((reason) => reason !== undefined) ? reasons : undefined
}

function harmless(name: string, made: ReadonlySet<string>, { sizes, queries }: LockedTables): string | undefined {
  const size = sizes.get(name)
  if (size === undefined) return made.has(name) ? `${name} is made by these migrations: nobody uses it yet.` : undefined
  if (size.bytes > tinyBytes || queries === undefined || queries.some((query) => names(query, name))) return undefined
  return `${name} has ${Math.ceil(size.bytes / 1024)} kB, and none of the ${queries.length} captured queries names it.`
}

/** Whether the name of the table, without its schema, stands anywhere in a query. */
function names(query: string, table: string): boolean {
  const name = table.slice(table.lastIndexOf('.') + 1).replaceAll('"', '')
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`, 'i').test(query)
}

/** Tables that the statement names, since a lock that its transaction holds already is not traced again; undefined: unclear. */
async function namesIn(statement: Statement, file: MigrationFile): Promise<readonly string[] | undefined> {
  const trees = await parseStatements(statement.sql).catch(() => undefined)
  if (trees === undefined) return undefined
  const found = trees.flatMap((tree) => rangesIn(tree))
  // An unqualified name is that of public, unless the file looks elsewhere first.
  if (found.some(({ schemaname }) => schemaname === undefined) && /search_path/i.test(file.sql)) return undefined
  return found.map(({ schemaname, relname }) => displayName(schemaname ?? 'public', relname))
}

type Range = { readonly schemaname?: string; readonly relname: string }

/** Every `relation` and `pktable` of a parse tree. */
function rangesIn(node: unknown): readonly Range[] {
  if (Array.isArray(node)) return node.flatMap(rangesIn)
  if (node === null || typeof node !== 'object') return []
  const fields = node as SqlNode
  const own = typeof fields.relname === 'string' && 'relpersistence' in fields ? [fields as Range] : []
  return [...own, ...Object.values(fields).flatMap(rangesIn)]
}
