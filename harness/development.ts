import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Cluster, Database } from './database/engine.ts'
import { readDump } from './dump/read-dump.ts'
import { restore } from './dump/restore.ts'
import { HarnessError, messageOf } from './errors.ts'
import { applyMigrations } from './migrations/apply.ts'
import { readMigrations } from './migrations/discover.ts'
import { preparePlatform, preparePlatformSchemas } from './platform/prepare.ts'
import { extractFacts, extractFactsFrom, type Facts } from './snapshot/schema/delta.ts'
import { type Emitted, renderMigration } from './snapshot/schema/emit.ts'

/**
 * The schema of development: of a server (`postgres://…`, read in one read-only transaction), of a dump, or of a folder or
 * file of SQL (migrations from the first one on, or schema files) that is run on an empty database of the cluster.
 * Throws `usage.invalid` when there is no such thing, `database.failed` when it cannot be reached or does not run, and what
 * reading a dump throws.
 */
export async function takeDevelopment(source: string, cluster: Cluster, signal: AbortSignal): Promise<Facts> {
  if (/^postgres(ql)?:\/\//.test(source)) return await fromServer(source)
  const found = await stat(source).catch(() => undefined)
  if (!found) {
    const message = `There is no ${source}. --dev takes a dump, a folder of migrations or schema files, a .sql file, or postgres://…`
    throw new HarnessError('usage.invalid', message, { facts: { source } })
  }
  await using database = await cluster.createDatabase('development')
  const isFolderOfSql = found.isDirectory() && !(await stat(join(source, 'toc.dat')).catch(() => undefined))
  if (isFolderOfSql || /\.sql$/i.test(source)) {
    // Migrations find auth and storage there, which a dump brings along.
    await preparePlatformSchemas(database)
    await runSql(database, source, isFolderOfSql, signal)
  } else {
    await preparePlatform(database, { signal })
    await using dump = await readDump([source], { signal })
    await restore(dump, database, { signal })
  }
  return await extractFacts(database)
}

async function fromServer(url: string): Promise<Facts> {
  try {
    return await extractFactsFrom(url)
  } catch (cause) {
    const message = `The schema of development cannot be read from its server: ${messageOf(cause).replaceAll(url, 'postgres://…')}`
    throw new HarnessError('database.failed', message, { cause })
  }
}

async function runSql(database: Database, source: string, isFolder: boolean, signal: AbortSignal): Promise<void> {
  const { files } = await readMigrations(isFolder ? source : dirname(source), { signal })
  const wanted = isFolder ? files : files.filter(({ name }) => name === basename(source))
  const run = await applyMigrations(database, wanted, { signal, record: false })
  const failed = run.migrations.find(({ status }) => status === 'failed')
  if (!failed?.failure) return
  const { line, message, excerpt } = failed.failure
  throw new HarnessError(
    'database.failed',
    `${failed.name}:${line} does not run on an empty database: ${message}\n${excerpt}\nName all migrations of development, from the first one on, its schema files, a dump of it, or its server.`,
    { facts: { file: failed.name, line } },
  )
}

/**
 * Runs what is to be emitted on a copy of production: what does not run there is left out, with its SQLSTATE. The text of
 * the migration is empty where nothing is left to add.
 */
export async function tried(
  copy: Database,
  emitted: readonly Emitted[],
): Promise<{ readonly emitted: readonly Emitted[]; readonly migration: string }> {
  const result: Emitted[] = []
  await using session = await copy.connect({ role: 'postgres', applicationName: 'greenlight diff' })
  await using platform = await copy.connect({ applicationName: 'greenlight diff' })
  await session.query('set check_function_bodies = off')
  for (const one of emitted) {
    if (one.leftOut !== undefined) {
      result.push(one)
      continue
    }
    try {
      // The platform lets role postgres make policies on its tables; a plain server does not.
      await (/^CREATE POLICY .* ON "?(storage|auth|realtime)"?\./is.test(one.sql) ? platform : session).query(one.sql)
      result.push(one)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
      result.push({ ...one, leftOut: `it does not run on a copy of production (SQLSTATE ${error.code})` })
    }
  }
  const adds = result.some(({ leftOut }) => leftOut === undefined)
  return { emitted: result, migration: adds ? renderMigration(result) : '' }
}
