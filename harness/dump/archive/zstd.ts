import type { ByteInput } from './byte-input.ts'

const magic = 0xfd2f_b528
const rleBlock = 1
const reservedBlock = 3

/**
 * The bytes of the next frame, whole and nothing more: what Node's decompressor makes of a second frame depends on how
 * it is cut into pieces, and what follows the first it ignores without a word. Undefined at the end of the input.
 * Format: https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export async function nextZstdFrame(input: ByteInput): Promise<AsyncGenerator<Buffer> | undefined> {
  while (await input.has(1)) {
    const start = await input.take(4)
    const number = start.readUInt32LE(0)
    if (number === magic) return frame(start, input)
    if (number < 0x184d_2a50 || number > 0x184d_2a5f) throw new Error('not a zstd frame')
    // A frame for others to use.
    for (let left = (await input.take(4)).readUInt32LE(0); left > 0; ) {
      left -= (await input.take(Math.min(left, 65_536))).length
    }
  }
  return undefined
}

async function* frame(start: Buffer, input: ByteInput): AsyncGenerator<Buffer> {
  const descriptor = await input.take(1)
  const flags = descriptor.readUInt8(0)
  const single = (flags & 0x20) !== 0
  const windowBytes = single ? 0 : 1
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  yield Buffer.concat([start, descriptor, await input.take(windowBytes + dictionaryBytes + sizeBytes)])
  for (let last = false; !last; ) {
    const header = await input.take(3)
    const value = header.readUIntLE(0, 3)
    last = (value & 1) === 1
    const kind = (value >> 1) & 3
    if (kind === reservedBlock) throw new Error('zstd block of an unknown kind')
    yield Buffer.concat([header, await input.take(kind === rleBlock ? 1 : value >> 3)])
  }
  if (flags & 4) yield await input.take(4)
}
