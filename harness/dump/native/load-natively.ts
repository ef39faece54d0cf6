import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Connection, Database } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import { HarnessError } from '../../errors.ts'
import type { DumpContent } from '../dump.ts'
import { countRows } from '../load/rows.ts'
import type { PlannedEntry } from '../plan.ts'
import { findTools } from './tools.ts'
import { readMessages, useList } from './use-list.ts'

export type NativeLoad = {
  readonly dump: DumpContent
  readonly database: Database
  readonly connection: Connection
  readonly jobs: number
  readonly signal: AbortSignal | undefined
  readonly settle: (planned: PlannedEntry, error?: Error) => void
  readonly onTable: (table: { schema: string; name: string; rowsInArchive: number; rowsLoaded: number }) => void
}

/**
 * Hands entries to pg_restore as its use-list. Hands back those that are ours to do: rows that go through a partitioned
 * table, and what it could not restore, so that each failure is told in the same words. Rows are counted on both ends, in
 * the archive by our own reader. Throws `client.unavailable`, `dump.not-supported`, `aborted`.
 */
export async function loadNatively(due: readonly PlannedEntry[], load: NativeLoad): Promise<PlannedEntry[]> {
  const { dump, database, signal } = load
  const path = archivePath(dump)
  const isOurs = ({ entry }: PlannedEntry) => /^-- load via partition root/m.test(entry.definition)
  const theirs = due.filter((planned) => planned.action === 'restore' && !isOurs(planned))
  const ours = due.filter((planned) => !theirs.includes(planned))
  if (theirs.length === 0) return ours

  const folder = await mkdtemp(join(tmpdir(), 'greenlight-list-'))
  try {
    await using tools = await findTools(leastMajor(dump), `Restoring ${path}`, [folder, dirname(path)], signal)
    const list = join(folder, 'list')
    await writeFile(list, useList(theirs.map(({ entry }) => entry)), { mode: 0o600 })
    const { host, port, password, user } = database.config()
    const server = {
      host: `${host}`,
      port: Number(port),
      user: `${user}`,
      password: `${password}`,
      database: database.name,
    }
    const options = { filePath: path, useListFile: list, jobs: load.jobs, verbose: true }
    const { exitCode, messages } = await tools.run('pg_restore', server, options, signal)
    const { failed, finished } = readMessages(messages, exitCode)
    if (!finished) {
      const [first = 'it said nothing'] = messages.split('\n').filter((line) => /^pg_restore: error:/.test(line))
      throw new HarnessError(
        'dump.not-supported',
        `pg_restore cannot restore ${path}: ${first.replace(/ERROR:.*/, 'an error of Postgres')}. Leave --client native out.`,
        { facts: { path, exitCode } },
      )
    }
    for (const planned of theirs) {
      if (failed.has(planned.entry.id)) ours.push(planned)
      else await settleOne(planned, load)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return ours.sort((a, b) => due.indexOf(a) - due.indexOf(b))
}

async function settleOne(planned: PlannedEntry, load: NativeLoad): Promise<void> {
  const { entry } = planned
  const { dump, connection } = load
  if (entry.type === 'TABLE DATA' && dump.data.form(entry.id) !== undefined) {
    const { schema = '', name } = entry
    const rowsInArchive = await countRows(dump.data, entry.id)
    load.onTable({ schema, name, rowsInArchive, rowsLoaded: await countLoaded(connection, schema, name) })
  }
  load.settle(planned)
}

async function countLoaded(connection: Connection, schema: string, name: string): Promise<number> {
  const { rows } = await connection.query<{ n: number }>(
    `SELECT count(*)::float8 AS n FROM ONLY ${qualified(schema, name)}`,
  )
  return rows[0]?.n ?? 0
}

/** Throws `dump.not-supported` for what pg_restore reads from no file. */
export function archivePath({ facts, sources }: Pick<DumpContent, 'facts' | 'sources'>): string {
  const [source] = sources
  const isArchive = facts.format === 'custom' || facts.format === 'directory' || facts.format === 'tar'
  if (
    isArchive &&
    source !== undefined &&
    sources.length === 1 &&
    source.path === facts.path &&
    facts.path !== 'standard input'
  )
    return resolve(source.path)
  throw new HarnessError(
    'dump.not-supported',
    `--client native restores an archive (pg_dump -Fc, -Fd, -Ft) from its file; ${facts.path} is ${isArchive ? 'not read from one' : `a dump of format ${facts.format}`}. Leave --client native out.`,
    { facts: { path: facts.path, format: facts.format } },
  )
}

/** The first version of pg_restore that reads the archive. */
function leastMajor({ facts }: DumpContent): number {
  const minor = Number(facts.archiveVersion?.split('.')[1] ?? 0)
  return minor >= 16 ? 17 : minor === 15 ? 16 : 12
}
