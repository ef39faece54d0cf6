import { HarnessError } from '../../errors.ts'
import { ByteInput, CutOff } from './byte-input.ts'

/** A file in a tar file; its content starts at byte `start`. */
export type TarMember = { readonly name: string; readonly start: number; readonly size: number }

const blockBytes = 512
const fileTypes = ['0', '\0', '7']
const folderType = '5'
/** Attributes of the whole archive, and of the next member. */
const paxTypes = ['g', 'x']

/**
 * The files in a tar stream, in its order; what is between them is skipped. `path`: for messages. Throws `dump.corrupt`
 * for a wrong checksum and for what a dump has no need of (links, paths that lead out), `dump.truncated` when it ends early.
 * Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar).
 */
export async function* tarMembers(stream: AsyncIterable<Buffer>, path: string): AsyncGenerator<TarMember> {
  using input = new ByteInput(stream)
  let position = 0
  let place = 'its first header'
  try {
    for (;;) {
      const header = await input.take(blockBytes)
      if (header.every((byte) => byte === 0)) break
      const member = readTarHeader(header, position, path)
      position += blockBytes
      place = JSON.stringify(member.name)
      if (member.type === 'x') refuseOverrides(await input.take(checkedPaxBytes(member, path)), path, place)
      else await input.skip(member.size)
      const padding = (blockBytes - (member.size % blockBytes)) % blockBytes
      await input.skip(padding)
      if (fileTypes.includes(member.type)) yield { name: member.name, start: position, size: member.size }
      position += member.size + padding
      place = `the header after ${place}`
    }
    place = 'the end mark'
    const second = await input.take(blockBytes)
    if (second.some((byte) => byte !== 0))
      throw damaged(path, `a second end block that is not empty at byte ${position + blockBytes}`)
    for await (const rest of input.rest()) {
      if (rest.some((byte) => byte !== 0)) throw damaged(path, 'something behind its end')
    }
  } catch (cause) {
    if (!(cause instanceof CutOff)) throw cause
    throw new HarnessError('dump.truncated', `${path} is cut off inside ${place}. Copy or take the dump again.`, {
      facts: { path, place },
      cause,
    })
  }
}

type TarHeader = { readonly name: string; readonly size: number; readonly type: string }

function readTarHeader(header: Buffer, position: number, path: string): TarHeader {
  const text = (start: number, length: number) => header.toString('utf8', start, start + length).replace(/\0.*$/s, '')
  const wanted = Number.parseInt(text(148, 8).trim(), 8)
  // The checksum is that of the header with spaces in its own place.
  let sum = 8 * 32
  header.forEach((byte, at) => {
    if (at < 148 || at >= 156) sum += byte
  })
  if (sum !== wanted) throw damaged(path, `a header with a wrong checksum at byte ${position}`)
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(345, 155) : ''
  const name = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
  const type = header.toString('latin1', 156, 157)
  if (name.startsWith('/') || name.split('/').includes('..')) {
    throw damaged(path, `a path that leads out of it (${JSON.stringify(name)})`)
  }
  if (!fileTypes.includes(type) && !paxTypes.includes(type) && type !== folderType) {
    throw damaged(
      path,
      `${JSON.stringify(name)}, which is neither a file nor a folder (a link, or of type ${JSON.stringify(type)})`,
    )
  }
  return { name, size: type === folderType ? 0 : sizeOf(header, path, name), type }
}

function sizeOf(header: Buffer, path: string, name: string): number {
  const field = header.subarray(124, 136)
  // From 8 GB on: a number of 95 bits, lowest last.
  const large = (field[0] ?? 0) & 0x80
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  const size = large ? Number(field.readBigUInt64BE(4)) : /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : -1
  if (!Number.isSafeInteger(size) || size < 0) throw damaged(path, `a wrong size of ${JSON.stringify(name)}`)
  return size
}

const paxBytes = 64 * 1024

function checkedPaxBytes({ size, name }: TarHeader, path: string): number {
  if (size > paxBytes) throw damaged(path, `${size} bytes of attributes at ${JSON.stringify(name)}`)
  return size
}

/** Times and owners of a file do not matter; another name or size would. */
function refuseOverrides(attributes: Buffer, path: string, place: string): void {
  if (!/(?:^|\n)\d+ (?:path|linkpath|size)=/.test(attributes.toString('latin1'))) return
  throw new HarnessError(
    'dump.not-supported',
    `${path} has extended names or sizes in it (${place}), which pg_dump -Ft does not write. Unpack it with tar, and name the folder.`,
    { facts: { path } },
  )
}

function damaged(path: string, what: string): HarnessError {
  return new HarnessError(
    'dump.corrupt',
    `${path} is damaged: ${what}. Take the dump again, or copy it again in binary mode.`,
    {
      facts: { path },
    },
  )
}
