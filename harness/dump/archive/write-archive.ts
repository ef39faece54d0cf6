import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { DumpFacts } from '../../model/restore-run.ts'
import type { TocEntry } from '../dump.ts'

/** Archives for tests: of any version, integer size, compression and format. */
export type ArchivePlan = {
  readonly minor: number
  readonly integerSize?: 4 | 8
  readonly compression: DumpFacts['compression']
  readonly serverVersion?: string
  readonly entries: readonly (TocEntry & {
    readonly rows?: string | Buffer
    readonly largeObjects?: readonly [number, Buffer][]
    /** Another name for its file than pg_dump's. */
    readonly file?: string
  })[]
  /** Into another encoding than UTF-8. */
  readonly textBytes?: (text: string) => Buffer
  /** Where the packed data is cut into pieces; pg_dump itself cuts at 4 KB and more. */
  readonly pieceBytes?: number
}

/** A custom archive. */
export function writeArchive(plan: ArchivePlan): Buffer {
  const { integerSize = 4, compression, pieceBytes = 4096 } = plan
  const out = new Writer(integerSize)
  const packed = (bytes: Buffer) => {
    const data = pack(bytes, compression)
    for (let i = 0; i < data.length; i += pieceBytes) {
      const piece = data.subarray(i, i + pieceBytes)
      out.integer(piece.length)
      out.parts.push(piece)
    }
    out.integer(0)
  }
  writeHead(out, plan, 'custom')
  for (const { id, rows, largeObjects } of plan.entries) {
    if (rows !== undefined) {
      out.byte(1)
      out.integer(id)
      packed(Buffer.from(rows))
    } else if (largeObjects !== undefined) {
      out.byte(3)
      out.integer(id)
      for (const [oid, bytes] of largeObjects) {
        out.integer(oid)
        packed(bytes)
      }
      out.integer(0)
    }
  }
  return Buffer.concat(out.parts)
}

const endings = { none: '', gzip: '.gz', lz4: '.lz4', zstd: '.zst' } as const

/** The files of a directory archive or of a tar archive. */
export function writeMembers(plan: ArchivePlan, format: 'directory' | 'tar'): Map<string, Buffer> {
  const { integerSize = 4, compression } = plan
  const out = new Writer(integerSize)
  writeHead(out, plan, format)
  const files = new Map<string, Buffer>([['toc.dat', Buffer.concat(out.parts)]])
  const add = (name: string, bytes: Buffer) =>
    files.set(name + endings[compression], compression === 'gzip' ? gzipSync(bytes) : pack(bytes, compression))
  for (const { id, rows, largeObjects } of plan.entries) {
    if (rows !== undefined) add(`${id}.dat`, Buffer.from(rows))
    if (largeObjects === undefined) continue
    for (const [oid, bytes] of largeObjects) add(`blob_${oid >>> 0}.dat`, bytes)
    const lines = largeObjects.map(([oid]) => `${oid >>> 0} blob_${oid >>> 0}.dat\n`)
    files.set(listOf(plan, id), Buffer.from(lines.join('')))
  }
  return files
}

/** A tar file; `folder`: in front of every name. */
export function writeTar(files: ReadonlyMap<string, Buffer>, folder = ''): Buffer {
  const parts = [...files].flatMap(([name, bytes]) => [
    tarHeader(folder + name, bytes.length),
    bytes,
    Buffer.alloc((512 - (bytes.length % 512)) % 512),
  ])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

export function tarHeader(name: string, size: number, type = '0'): Buffer {
  const header = Buffer.alloc(512)
  header.write(name)
  header.write('0000600\0', 100)
  header.write(size.toString(8).padStart(11, '0'), 124)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

class Writer {
  readonly parts: Buffer[] = []
  readonly #integerSize: number

  constructor(integerSize: number) {
    this.#integerSize = integerSize
  }

  byte(value: number): void {
    this.parts.push(Buffer.from([value]))
  }

  integer(value: number): void {
    const buffer = Buffer.alloc(1 + this.#integerSize)
    buffer[0] = value < 0 ? 1 : 0
    buffer.writeUIntLE(Math.abs(value), 1, 4)
    this.parts.push(buffer)
  }

  text(value: string | Buffer | undefined): void {
    const bytes = Buffer.from(value ?? '')
    this.integer(value === undefined ? -1 : bytes.length)
    this.parts.push(bytes)
  }
}

function writeHead(out: Writer, plan: ArchivePlan, format: 'custom' | 'directory' | 'tar'): void {
  const { minor, integerSize = 4, compression, serverVersion = '17.6', textBytes = Buffer.from } = plan
  out.parts.push(Buffer.from('PGDMP'))
  // A directory archive calls itself a tar archive.
  for (const value of [1, minor, 0, integerSize, 8, format === 'custom' ? 1 : 3]) out.byte(value)
  if (minor >= 15) out.byte(['none', 'gzip', 'lz4', 'zstd'].indexOf(compression))
  else out.integer(compression === 'none' ? 0 : -1)
  for (const value of [6, 5, 4, 3, 1, 126, 0]) out.integer(value)
  for (const value of ['source', `${serverVersion} (Debian)`, serverVersion]) out.text(value)

  out.integer(plan.entries.length)
  for (const entry of plan.entries) {
    const hasData = entry.rows !== undefined || entry.largeObjects !== undefined
    const { definition, dropStatement, copyStatement, schema } = entry
    out.integer(entry.id)
    out.integer(hasData ? 1 : 0)
    for (const value of ['0', '0', textBytes(entry.name), entry.type]) out.text(value)
    out.integer(['none', 'pre-data', 'data', 'post-data'].indexOf(entry.section) + 1)
    for (const value of [textBytes(definition), dropStatement, textBytes(copyStatement), schema, undefined])
      out.text(value)
    if (minor >= 14) out.text(entry.tableAccessMethod)
    if (minor >= 16) out.integer(entry.relationKind?.charCodeAt(0) ?? 0)
    out.text(entry.owner)
    out.text('false')
    for (const id of entry.dependencies) out.text(String(id))
    out.text(undefined)
    if (format === 'custom') {
      out.byte(hasData ? 1 : 3)
      out.parts.push(Buffer.alloc(8))
    } else {
      out.text(
        entry.file ??
          (entry.largeObjects && format === 'directory' ? listOf(plan, entry.id) : hasData ? `${entry.id}.dat` : ''),
      )
    }
  }
}

/** Since 17 there is one list of large objects for each owner. */
function listOf({ minor }: ArchivePlan, id: number): string {
  return minor >= 16 ? `blobs_${id}.toc` : 'blobs.toc'
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
