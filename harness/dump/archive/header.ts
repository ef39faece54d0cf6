import { HarnessError } from '../../errors.ts'
import type { DumpFacts } from '../../model/restore-run.ts'
import type { ArchiveCursor } from './cursor.ts'

export type ArchiveFormat = 'custom' | 'tar' | 'directory'

export type ArchiveHeader = {
  readonly layout: ArchiveLayout
  /** Of the format: 12 for 1.12. */
  readonly minor: number
  readonly integerSize: number
  readonly offsetSize: number
  readonly compression: DumpFacts['compression']
  /** ISO 8601 without a zone, as the dumping host's clock showed it. */
  readonly createdAt?: string
  readonly database: string
  /** `17.6` */
  readonly serverVersion: string
}

/** The versions of the format since PostgreSQL 9.0 (1.12) that this reads; 1.16 is that of 17 and 18. */
export const archiveVersions = { oldest: 12, newest: 16 } as const

/** Whether the data is in the same file, or in others beside; a directory archive calls itself a tar archive. */
export type ArchiveLayout = 'one file' | 'several files'

const layouts: Readonly<Record<number, ArchiveLayout>> = { 1: 'one file', 3: 'several files', 5: 'several files' }
const compressions = ['none', 'gzip', 'lz4', 'zstd'] as const

/** Throws `dump.unsupported-version`, `dump.not-supported`, `dump.truncated` and `dump.corrupt`. */
export function readHeader(cursor: ArchiveCursor, layout: ArchiveLayout): ArchiveHeader {
  if (cursor.bytes(5).toString('latin1') !== 'PGDMP') cursor.corrupt('no archive magic')
  const [major, minor] = [cursor.byte(), cursor.byte()]
  cursor.byte() // revision: changes nothing for readers
  refuseVersion(cursor.path, major, minor)

  const integerSize = cursor.byte()
  const offsetSize = cursor.byte()
  if (integerSize !== 4 && integerSize !== 8) cursor.corrupt(`integers of ${integerSize} bytes`)
  if (offsetSize !== 4 && offsetSize !== 8) cursor.corrupt(`offsets of ${offsetSize} bytes`)
  cursor.integerSize = integerSize

  const code = cursor.byte()
  if (layouts[code] === undefined) cursor.corrupt(`an unknown format (${code})`)
  if (layouts[code] !== layout) refuseLayout(cursor.path, layout)

  const compression = readCompression(cursor, minor)
  const createdAt = readTime(cursor)
  const database = cursor.text() ?? ''
  const serverVersion = (cursor.text() ?? '').split(' ', 1)[0] ?? ''
  cursor.text() // version of pg_dump
  return {
    layout,
    minor,
    integerSize,
    offsetSize,
    compression,
    database,
    serverVersion,
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}

function refuseLayout(path: string, wanted: ArchiveLayout): never {
  throw new HarnessError(
    'dump.not-supported',
    wanted === 'several files'
      ? `${path} is a custom archive (-Fc) by itself. Name that file.`
      : `${path} is only the table of contents of a directory or tar archive. Name the folder that it is in, or the whole tar file.`,
    { facts: { path } },
  )
}

function refuseVersion(path: string, major: number, minor: number): void {
  const { oldest, newest } = archiveVersions
  if (major === 1 && minor >= oldest && minor <= newest) return
  const newer = major > 1 || minor > newest
  throw new HarnessError(
    'dump.unsupported-version',
    `${path} is an archive of format ${major}.${minor}; the formats 1.${oldest} to 1.${newest} can be read. ` +
      (newer
        ? 'Take the dump with pg_dump 18 or older, or use a newer release of greenlight.'
        : 'Take the dump with pg_dump 9.0 or newer.'),
    { facts: { path, version: `${major}.${minor}` } },
  )
}

function readCompression(cursor: ArchiveCursor, minor: number): DumpFacts['compression'] {
  // Up to 1.14 only zlib was known, and its level stands here; 0 is none.
  if (minor < 15) return cursor.integer() === 0 ? 'none' : 'gzip'
  const algorithm = cursor.byte()
  return compressions[algorithm] ?? cursor.corrupt(`an unknown compression (${algorithm})`)
}

function readTime(cursor: ArchiveCursor): string | undefined {
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = Array.from({ length: 6 }, () =>
    cursor.integer(),
  )
  cursor.integer() // whether daylight saving time was on
  const time = new Date(Date.UTC(1900 + year, month, day, hour, minute, second))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().slice(0, 19)
}

/** `17.6` → 170006, `18beta1` → 180000; 0 for what is no version. */
export function versionNumber(version: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? []
  return Number(major) * 10_000 + Number(minor)
}
