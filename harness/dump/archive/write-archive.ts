import { deflateSync, zstdCompressSync } from 'node:zlib'
import type { DumpFacts } from '../../model/restore-run.ts'
import type { TocEntry } from '../dump.ts'

/** Writes archives for tests: any version, integer size and compression, with offsets or without. */
export type ArchivePlan = {
  readonly minor: number
  readonly integerSize?: 4 | 8
  readonly compression: DumpFacts['compression']
  readonly serverVersion?: string
  readonly entries: readonly (TocEntry & {
    readonly rows?: string
    readonly largeObjects?: readonly [number, Buffer][]
  })[]
  /** Where the packed data is cut into pieces; pg_dump itself cuts at 4 KB and more. */
  readonly pieceBytes?: number
}

export function writeArchive(plan: ArchivePlan): Buffer {
  const { minor, integerSize = 4, compression, serverVersion = '17.6', pieceBytes = 4096 } = plan
  const parts: Buffer[] = []
  const byte = (value: number) => parts.push(Buffer.from([value]))
  const integer = (value: number) => {
    const buffer = Buffer.alloc(1 + integerSize)
    buffer[0] = value < 0 ? 1 : 0
    buffer.writeUIntLE(Math.abs(value), 1, 4)
    parts.push(buffer)
  }
  const text = (value: string | undefined) => {
    const bytes = Buffer.from(value ?? '')
    integer(value === undefined ? -1 : bytes.length)
    parts.push(bytes)
  }
  const packed = (bytes: Buffer) => {
    const data = pack(bytes, compression)
    for (let i = 0; i < data.length; i += pieceBytes) {
      const piece = data.subarray(i, i + pieceBytes)
      integer(piece.length)
      parts.push(piece)
    }
    integer(0)
  }

  parts.push(Buffer.from('PGDMP'))
  for (const value of [1, minor, 0, integerSize, 8, 1]) byte(value)
  if (minor >= 15) byte(['none', 'gzip', 'lz4', 'zstd'].indexOf(compression))
  else integer(compression === 'none' ? 0 : -1)
  for (const value of [6, 5, 4, 3, 1, 126, 0]) integer(value)
  for (const value of ['source', `${serverVersion} (Debian)`, serverVersion]) text(value)

  integer(plan.entries.length)
  for (const entry of plan.entries) {
    const hasData = entry.rows !== undefined || entry.largeObjects !== undefined
    integer(entry.id)
    integer(hasData ? 1 : 0)
    for (const value of ['0', '0', entry.name, entry.type]) text(value)
    integer(['none', 'pre-data', 'data', 'post-data'].indexOf(entry.section) + 1)
    for (const value of [entry.definition, entry.dropStatement, entry.copyStatement, entry.schema, undefined])
      text(value)
    if (minor >= 14) text(entry.tableAccessMethod)
    if (minor >= 16) integer(entry.relationKind?.charCodeAt(0) ?? 0)
    text(entry.owner)
    text('false')
    for (const id of entry.dependencies) text(String(id))
    text(undefined)
    byte(hasData ? 1 : 3)
    parts.push(Buffer.alloc(8))
  }
  for (const { id, rows, largeObjects } of plan.entries) {
    if (rows !== undefined) {
      byte(1)
      integer(id)
      packed(Buffer.from(rows))
    } else if (largeObjects !== undefined) {
      byte(3)
      integer(id)
      for (const [oid, bytes] of largeObjects) {
        integer(oid)
        packed(bytes)
      }
      integer(0)
    }
  }
  return Buffer.concat(parts)
}

function pack(bytes: Buffer, compression: DumpFacts['compression']): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return deflateSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
    case 'lz4':
      return packLz4(bytes)
  }
}

/** A frame of stored blocks: enough where the packing itself is not what is tested. */
export function packLz4(bytes: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0])]
  for (let i = 0; i < bytes.length; i += 65_536) {
    const piece = bytes.subarray(i, i + 65_536)
    const size = Buffer.alloc(4)
    size.writeUInt32LE((piece.length | 0x8000_0000) >>> 0)
    parts.push(size, piece)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}
