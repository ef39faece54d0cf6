import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { HarnessError } from '../errors.ts'
import type { MigrationFile } from '../model/migration-run.ts'

/** The tool that a folder is for. `supabase`: also numbered and plain files, which have no tool of their own. */
export type Layout = 'supabase' | 'dbmate' | 'node-pg-migrate' | 'drizzle' | 'prisma'

/** One entry of drizzle's journal; `when` in milliseconds since 1970. */
export type JournalEntry = { readonly tag: string; readonly when: number }

const journalSchema = z.object({
  entries: z.array(z.object({ idx: z.int(), tag: z.string(), when: z.number() })),
})

/** Drizzle's `meta/_journal.json`, in its order; undefined where there is none. Throws `migrations.unparsable`. */
export async function readJournal(directory: string): Promise<readonly JournalEntry[] | undefined> {
  const path = join(directory, 'meta', '_journal.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return journalSchema.parse(JSON.parse(text)).entries.sort((one, other) => one.idx - other.idx)
  } catch (cause) {
    const message = `${path} is not a journal of drizzle: it must hold entries with idx, tag and when. Let "drizzle-kit generate" write it.`
    throw new HarnessError('migrations.unparsable', message, { facts: { path }, cause })
  }
}

/** The files that the journal names, in its order. Throws `migrations.not-found` when it names one that is not there. */
export function inJournal(
  directory: string,
  files: readonly MigrationFile[],
  journal: readonly JournalEntry[],
): readonly MigrationFile[] {
  const missing = journal.filter(({ tag }) => !files.some(({ name }) => name === `${tag}.sql`)).map(({ tag }) => tag)
  if (missing.length > 0) {
    const message = `${directory}/meta/_journal.json names ${missing.map((tag) => `${tag}.sql`).join(', ')}, which the folder does not hold. Bring the file back, or generate the journal anew.`
    throw new HarnessError('migrations.not-found', message, { facts: { directory, files: missing } })
  }
  return journal.flatMap(({ tag, when }) => {
    const file = files.find(({ name }) => name === `${tag}.sql`)
    return file ? [{ ...file, when }] : []
  })
}

/** Told by what lies in the folder: a journal, folders with a `migration.sql`, the marks in the files. */
export function layoutOf(files: readonly MigrationFile[], journal: readonly JournalEntry[] | undefined): Layout {
  if (journal) return 'drizzle'
  if (files.some(({ name }) => name.endsWith('/migration.sql'))) return 'prisma'
  if (files.some(({ sql }) => /^--\s*migrate:up\b/m.test(sql))) return 'dbmate'
  if (files.some(({ sql }) => /^\s*--[\s-]*up\s+migration\b/im.test(sql))) return 'node-pg-migrate'
  return 'supabase'
}
