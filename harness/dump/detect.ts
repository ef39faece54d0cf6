import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, constants as zlib } from 'node:zlib'
import { HarnessError } from '../errors.ts'

/** What a dump is, by its bytes; its name tells nothing (the dashboard's `.backup` is SQL text). */
export type DumpKind =
  | 'custom'
  | 'directory'
  | 'tar'
  | 'plain'
  | 'cluster'
  | 'supabase-cli'
  | 'gzip'
  | 'zstd'
  | 'lz4'
  | 'zip'
  | 'text'
  | 'unknown'

const headBytes = 64 * 1024

const advice =
  'What works today is a custom archive of the whole database: pg_dump -Fc -f production.dump "$DATABASE_URL".'

const refusals: Readonly<Record<Exclude<DumpKind, 'custom' | 'text' | 'unknown'>, string>> = {
  directory: 'a pg_dump directory archive (-Fd)',
  tar: 'a pg_dump tar archive (-Ft)',
  plain: 'a plain SQL dump of pg_dump',
  cluster: 'a dump of a whole cluster (pg_dumpall, or a backup downloaded from the dashboard)',
  'supabase-cli': 'a dump of the Supabase CLI (supabase db dump)',
  gzip: 'compressed with gzip',
  zstd: 'compressed with zstd',
  lz4: 'compressed with lz4',
  zip: 'a zip file',
}

/**
 * Finds out what `path` is and refuses what cannot be restored: throws `dump.not-found`, `dump.empty`,
 * `dump.truncated`, `dump.unrecognised`, and `dump.not-supported` for the other formats of dumps.
 */
export async function requireCustomArchive(path: string): Promise<void> {
  const facts = { path }
  const { kind, inside } = await detectDump(path)
  if (kind === 'custom') return
  if (kind === 'text') {
    throw new HarnessError(
      'dump.unrecognised',
      `${path} is a text file, but not a dump that pg_dump wrote. ${advice}`,
      {
        facts,
      },
    )
  }
  if (kind === 'unknown') {
    throw new HarnessError(
      'dump.unrecognised',
      `${path} is no dump of PostgreSQL: its first bytes are of no known kind. ${advice}`,
      {
        facts,
      },
    )
  }
  const unpack = inside === 'custom' ? ' Unpack it: it holds a custom archive.' : ''
  const content =
    inside && inside !== 'custom' && inside !== 'unknown' && inside !== 'text' ? `, ${refusals[inside]}` : ''
  throw new HarnessError('dump.not-supported', `${path} is ${refusals[kind]}${content}.${unpack} ${advice}`, {
    facts: { ...facts, format: kind },
  })
}

/** `inside`: what a gzip file holds. Throws `dump.not-found`, `dump.empty` and `dump.truncated`. */
export async function detectDump(path: string): Promise<{ readonly kind: DumpKind; readonly inside?: DumpKind }> {
  const facts = { path }
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw unreadable(path, cause)
    throw new HarnessError(
      'dump.not-found',
      `There is no dump at ${path}. Check the path that --dump or the config names.`,
      {
        facts,
        cause,
      },
    )
  })
  if (info.isDirectory()) {
    const toc = await stat(join(path, 'toc.dat')).catch(() => undefined)
    return { kind: toc?.isFile() ? 'directory' : 'unknown' }
  }
  if (!info.isFile()) return { kind: 'unknown' }
  if (info.size === 0) {
    throw new HarnessError('dump.empty', `${path} is empty. Take the dump again, and look at what pg_dump said.`, {
      facts,
    })
  }
  const head = await readHead(path)
  if (head.length < 5 && 'PGDMP'.startsWith(head.toString('latin1'))) {
    throw new HarnessError('dump.truncated', `${path} is cut off inside the header. Copy or take the dump again.`, {
      facts,
    })
  }
  const kind = kindOf(head)
  return kind === 'gzip' ? { kind, inside: kindOf(gunzipHead(head)) } : { kind }
}

/** Pure: what the first bytes of a file say. */
export function kindOf(head: Buffer): DumpKind {
  const latin = head.toString('latin1', 0, 512)
  if (latin.startsWith('PGDMP')) return 'custom'
  if (latin.startsWith('\x1f\x8b')) return 'gzip'
  if (latin.startsWith('\x28\xb5\x2f\xfd')) return 'zstd'
  if (latin.startsWith('\x04\x22\x4d\x18')) return 'lz4'
  if (latin.startsWith('PK\x03\x04')) return 'zip'
  if (latin.slice(257, 262) === 'ustar') return latin.startsWith('toc.dat\0') ? 'tar' : 'unknown'
  if (head.includes(0)) return 'unknown'
  return kindOfText(head.toString('latin1'))
}

function kindOfText(text: string): DumpKind {
  if (/^-- PostgreSQL database cluster dump/m.test(text)) return 'cluster'
  if (/^-- PostgreSQL database dump/m.test(text)) return 'plain'
  const commandLine = [
    /^SET session_replication_role = replica;/m,
    /^CREATE ROLE "/m,
    /^CREATE TABLE IF NOT EXISTS "/m,
    /^CREATE SCHEMA IF NOT EXISTS "/m,
    /^CREATE OR REPLACE FUNCTION "/m,
  ]
  return commandLine.some((pattern) => pattern.test(text)) ? 'supabase-cli' : 'text'
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r')
    const head = Buffer.alloc(headBytes)
    const { bytesRead } = await file.read(head, 0, headBytes, 0)
    return head.subarray(0, bytesRead)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function gunzipHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 64 << 20 })
  } catch {
    return Buffer.from([0])
  }
}

function unreadable(path: string, cause: unknown): HarnessError {
  const why = (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'you may not read it' : 'it cannot be read'
  return new HarnessError('dump.not-found', `The dump at ${path} is of no use: ${why}.`, { facts: { path }, cause })
}
