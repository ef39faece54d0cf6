import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, HarnessError, throwIfAborted } from '../errors.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { inJournal, type Layout, layoutOf, readJournal } from './layout.ts'
import { compareVersions, versionOf } from './order.ts'
import { excerpt, linesOf, placeAt } from './place.ts'
import { readSections } from './sections.ts'
import { splitSql } from './split.ts'
import { firstInvalidByte } from './utf8.ts'

export type MigrationFolder = {
  readonly directory: string
  readonly layout: Layout
  /** In the order of running. */
  readonly files: readonly MigrationFile[]
  /** What else lies in the folder, and why it is not a migration. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

/**
 * Reads a folder of SQL migrations: Supabase's layout (`20260102030405_name.sql`), numbered (`210_name.sql`) or plain
 * `.sql` files, also with a way down in the same file (dbmate, node-pg-migrate, goose); prisma's folders with a
 * `migration.sql`; drizzle's files in the order of `meta/_journal.json`. Numbered files run in the order of their
 * numbers, files with one number by name, files without a number in natural order after them. Supabase's CLI sorts by
 * text, which is the same for its 14-digit stamps.
 * Throws `migrations.not-found`, `migrations.empty`, `migrations.not-utf8`, `migrations.unparsable` (every broken file
 * named at once), `aborted`.
 */
export async function readMigrations(
  directory: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<MigrationFolder> {
  const folder = await readSqlFolder(directory, { signal })
  if (folder.files.length > 0) return folder
  const others = folder.skipped.map(({ name, reason }) => `${name} (${reason})`).join(', ')
  throw new HarnessError(
    'migrations.empty',
    `There is no migration in ${directory}: a rehearsal of nothing proves nothing. ${others ? `It holds only ${others}. ` : ''}${elsewhere(directory)}Name the folder with the pending .sql files.`,
    { facts: { directory } },
  )
}

/** As `readMigrations`, but a folder without any `.sql` file is fine. */
export async function readSqlFolder(
  directory: string,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<MigrationFolder> {
  const names = await list(directory)
  const files: MigrationFile[] = []
  const skipped: MigrationFolder['skipped'][number][] = []
  const problems: Problem[] = []
  const journal = await readJournal(directory)
  for (const entry of names) {
    throwIfAborted(signal, 'reading the migrations')
    const name = existsSync(join(directory, entry, 'migration.sql')) ? `${entry}/migration.sql` : entry
    const path = join(directory, name)
    const reason = await reasonToSkip(path, name)
    if (reason) {
      skipped.push({ name, reason })
      continue
    }
    const read = parseFile(name, path, await readFile(path))
    if ('code' in read) problems.push(read)
    else files.push(read)
  }
  refuse(directory, problems)
  files.sort((one, other) => compareVersions(one, other))
  const ordered = journal === undefined ? files : inJournal(directory, files, journal)
  for (const { name } of files) {
    if (!ordered.some((file) => file.name === name)) skipped.push({ name, reason: 'not in meta/_journal.json' })
  }
  return { directory, layout: layoutOf(ordered, journal), files: ordered, skipped }
}

type Problem = { readonly code: ErrorCode; readonly message: string; readonly path: string; readonly line?: number }

function parseFile(name: string, path: string, bytes: Buffer): MigrationFile | Problem {
  const invalid = firstInvalidByte(bytes)
  if (invalid !== undefined) {
    const line = bytes.subarray(0, invalid).filter((byte) => byte === 10).length + 1
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
    const advice = utf16 ? 'It looks like UTF-16: save it as UTF-8.' : 'Save it as UTF-8.'
    const message = `${path}:${line}: not UTF-8 at byte ${invalid}. ${advice}`
    return { code: 'migrations.not-utf8', message, path, line }
  }
  const text = bytes.toString('utf8')
  const zero = text.indexOf('\0')
  if (zero >= 0) return refusal(path, text, zero, 'A zero byte, which Postgres cannot read.')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const facts = { name, path, version: versionOf(name), sha256 }
  const sections = readSections(text)
  if (sections === undefined) return parsePart(facts, text, text, false)
  if ('problem' in sections) return refusal(path, text, sections.problem.offset, sections.problem.message)
  const up = parsePart(facts, text, sections.up, sections.alone.up)
  if ('code' in up || sections.down === undefined) return up
  const down = parsePart(facts, text, sections.down, sections.alone.down)
  if ('code' in down) return down
  // An empty way down is none.
  return down.statements.length === 0 ? up : { ...up, down }
}

type FileFacts = Pick<MigrationFile, 'name' | 'path' | 'version' | 'sha256'>

/** `alone`: each statement runs outside of a transaction. */
function parsePart(facts: FileFacts, text: string, sql: string, alone: boolean): MigrationFile | Problem {
  const { statements, problem } = splitSql(sql)
  if (problem) return refusal(facts.path, text, problem.offset, problem.message)
  return { ...facts, sql, statements: alone ? statements.map((one) => ({ ...one, standalone: true })) : statements }
}

function refusal(path: string, sql: string, offset: number, message: string): Problem {
  const lines = linesOf(sql)
  const { line, column } = placeAt(lines, offset)
  const text = `${path}:${line}:${column}: ${message}\n${excerpt(lines, line, column)}`
  return { code: 'migrations.unparsable', message: text, path, line }
}

function refuse(directory: string, problems: readonly Problem[]): void {
  const [first] = problems
  if (!first) return
  const count = problems.length === 1 ? 'One file' : `${problems.length} files`
  throw new HarnessError(
    first.code,
    `${count} in ${directory} cannot be read as SQL:\n${problems.map(({ message }) => message).join('\n')}`,
    { facts: { directory, files: problems.map(({ path, line }) => (line ? `${path}:${line}` : path)) } },
  )
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort((one, other) => (one < other ? -1 : 1))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause
    const what = code === 'ENOENT' ? 'There is no folder' : 'This is a file, not a folder:'
    const message = `${what} ${directory}. Name the folder with the migrations (--migrations).`
    throw new HarnessError('migrations.not-found', message, { facts: { directory }, cause })
  }
}

async function reasonToSkip(path: string, name: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts) return 'cannot be read'
  if (facts.isDirectory()) return 'a folder'
  if (!facts.isFile()) return 'not a file'
  if (name.startsWith('.')) return 'hidden'
  if (!/\.sql$/i.test(name)) return 'not .sql'
  return undefined
}

function elsewhere(directory: string): string {
  const found = ['supabase/migrations', 'migrations'].find((inner) => existsSync(join(directory, inner)))
  return found ? `Did you mean ${join(directory, found)}? ` : ''
}
