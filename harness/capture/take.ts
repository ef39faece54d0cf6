import { readdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { connect } from '../database/connection.ts'
import type { Connection } from '../database/engine.ts'
import { findTools, type NativeTools } from '../dump/native/tools.ts'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'
import type { Fingerprint } from '../model/fingerprint.ts'
import { takeFingerprints } from '../snapshot/fingerprints/take.ts'
import { takeServerFacts } from './facts.ts'
import { growFolder } from './folder.ts'
import { hashFiles, type Manifest, manifestName } from './manifest.ts'
import { clientConfig, type Source } from './source.ts'

export type CaptureOptions = {
  readonly source: Source
  /** Folder to make. */
  readonly out: string
  readonly tool: string
  /** Connections of pg_dump. Default: 2. */
  readonly jobs?: number
  /** For how long any lock of production is waited for, in milliseconds. Default: 5,000. */
  readonly lockTimeout?: number
  /** After how long a single statement that hashes rows is given up, in milliseconds. Default: 30 minutes. */
  readonly statementTimeout?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (text: string) => void
}

/**
 * Takes a dump (a directory archive) and the fingerprints of every table in one snapshot, read-only, and writes both with
 * a manifest into a folder that is there whole or not at all. Throws `usage.invalid`, `client.unavailable`,
 * `database.failed`, `capture.failed` and `aborted`.
 */
export async function capture(options: CaptureOptions): Promise<Manifest> {
  const { source, signal, lockTimeout = 5_000, statementTimeout = 1_800_000 } = options
  const limits = { lockTimeout, statementTimeout }
  await using folder = await growFolder(options.out)
  await using keeper = await openSession(source, limits, signal)
  const snapshot = await exportSnapshot(keeper)
  const takenAt = new Date().toISOString()
  const facts = await takeServerFacts(keeper)
  const major = Math.floor(facts.server.versionNum / 10_000)
  await using tools = await findTools(
    major,
    `A capture of PostgreSQL ${facts.server.version}`,
    [dirname(folder.path)],
    signal,
  )

  // The first that fails ends the other.
  const ended = new AbortController()
  const both = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])])
  const stopOther = (error: unknown): never => {
    ended.abort(error)
    throw error
  }
  const [dumped, hashed] = await Promise.allSettled([
    dump(tools, snapshot, folder.path, options, both).catch(stopOther),
    fingerprints(snapshot, options, limits, both).catch(stopOther),
  ])
  throwIfAborted(signal, 'capturing')
  if (dumped.status === 'rejected' || hashed.status === 'rejected') throw ended.signal.reason
  await keeper.query('COMMIT')

  options.onProgress?.('hashing files')
  const manifest: Manifest = {
    format: 'greenlight capture 1',
    tool: options.tool,
    takenAt,
    pgDump: tools.version,
    ...facts,
    tables: hashed.value.map((one) => ({ ...one, columns: [...one.columns] })),
    files: await hashFiles(folder.path, signal),
  }
  await writeFile(join(folder.path, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  })
  throwIfAborted(signal, 'capturing')
  await folder.finish()
  return manifest
}

type Limits = { readonly lockTimeout: number; readonly statementTimeout: number }

/** A read-only transaction that sees one state of production; it ends with the session, also when the signal fires. */
async function openSession(source: Source, limits: Limits, signal: AbortSignal | undefined): Promise<Connection> {
  throwIfAborted(signal, 'connecting')
  const connection = await connect(clientConfig(source))
  const end = () => void connection.end().catch(() => {})
  signal?.addEventListener('abort', end, { once: true })
  connection.once('end', () => signal?.removeEventListener('abort', end))
  try {
    await connection.query(`
      SET default_transaction_read_only = on; SET row_security = off; SET search_path = pg_catalog;
      SET idle_in_transaction_session_timeout = 0; SET lock_timeout = ${limits.lockTimeout};
      SET statement_timeout = ${limits.statementTimeout};
      SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'`)
    await connection.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    return connection
  } catch (error) {
    await connection.end().catch(() => {})
    throw asHarnessError(error, 'opening a snapshot', signal)
  }
}

async function exportSnapshot(connection: Connection): Promise<string> {
  const { rows } = await connection.query<{ id: string }>('SELECT pg_export_snapshot() AS id')
  const [row] = rows
  if (row === undefined) throw new Error('No snapshot was exported.')
  return row.id
}

async function dump(
  tools: NativeTools,
  snapshot: string,
  folder: string,
  { source, jobs = 2, lockTimeout = 5_000, onProgress }: CaptureOptions,
  signal: AbortSignal,
): Promise<void> {
  const { FormatEnum } = await import('pg-dump-restore')
  const tell = async () =>
    onProgress?.(`dump: ${Math.round((await sizeOf(folder)) / 1e6).toLocaleString('en')} MB written`)
  const ticking = setInterval(() => void tell().catch(() => {}), 1000)
  try {
    const { exitCode, messages } = await tools.run(
      'pg_dump',
      source,
      { filePath: folder, format: FormatEnum.Directory, jobs, snapshotName: snapshot, lockWaitTimeout: lockTimeout },
      signal,
    )
    if (exitCode === 0) return
    throw new HarnessError(
      'capture.failed',
      `pg_dump ended with ${exitCode}: ${messages.trim().split('\n').slice(0, 5).join(' ') || 'it said nothing'}`,
      { facts: { exitCode } },
    )
  } finally {
    clearInterval(ticking)
  }
}

async function fingerprints(
  snapshot: string,
  { source, onProgress }: CaptureOptions,
  limits: Limits,
  signal: AbortSignal,
): Promise<Fingerprint[]> {
  await using connection = await openSession(source, limits, signal)
  try {
    await connection.query(`SET TRANSACTION SNAPSHOT '${snapshot.replace(/[^\w-]/g, '')}'`)
    return await takeFingerprints(connection, {
      signal,
      statementTimeout: limits.statementTimeout,
      onProgress: ({ done, of, table }) => onProgress?.(`fingerprints: ${done} of ${of} tables, ${table}`),
    })
  } catch (error) {
    throw asHarnessError(error, 'hashing the rows of production', signal)
  }
}

function asHarnessError(error: unknown, step: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new HarnessError('aborted', `Stopped while ${step}.`, { cause: error })
  if (error instanceof HarnessError) return error
  return new HarnessError('capture.failed', `${step[0]?.toUpperCase()}${step.slice(1)} failed: ${messageOf(error)}.`, {
    cause: error,
  })
}

async function sizeOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
