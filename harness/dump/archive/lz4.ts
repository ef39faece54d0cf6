import { ByteInput } from './byte-input.ts'

/**
 * Unpacks LZ4 frames piece by piece, which the packages at hand do for whole buffers only. Checksums are skipped:
 * rows are counted against the server, and a wrong length or distance is an error.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md.
 */
export async function* unpackLz4(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  using input = new ByteInput(source)
  while (await input.has(4)) {
    const magic = (await input.take(4)).readUInt32LE(0)
    if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
      await input.take((await input.take(4)).readUInt32LE(0)) // a frame for others to use
      continue
    }
    if (magic !== 0x184d2204) throw new Error('not an LZ4 frame')
    yield* unpackFrame(input)
  }
}

const historyBytes = 65_536

async function* unpackFrame(input: ByteInput): AsyncGenerator<Buffer> {
  const descriptor = await input.take(2)
  const [flags, sizes] = [descriptor.readUInt8(0), descriptor.readUInt8(1)]
  if (flags >> 6 !== 1) throw new Error(`LZ4 frame of unknown version ${flags >> 6}`)
  const blockBytes = 1 << (8 + 2 * ((sizes >> 4) & 7))
  if (blockBytes < 65_536 || blockBytes > 4_194_304) throw new Error('LZ4 frame with an unknown block size')
  const independent = (flags & 0x20) !== 0
  await input.take((flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1)

  let history: Buffer = Buffer.alloc(0)
  for (;;) {
    const header = (await input.take(4)).readUInt32LE(0)
    if (header === 0) break
    const length = header & 0x7fff_ffff
    if (length > blockBytes) throw new Error('LZ4 block above its size')
    const block = await input.take(length)
    const window = Buffer.allocUnsafe(history.length + blockBytes)
    history.copy(window)
    const end =
      header >>> 31 === 1
        ? history.length + block.copy(window, history.length)
        : unpackBlock(block, window, history.length)
    if (flags & 0x10) await input.take(4)
    yield window.subarray(history.length, end)
    if (!independent) history = window.subarray(Math.max(0, end - historyBytes), end)
  }
  if (flags & 0x04) await input.take(4)
}

/** Writes to `window` from `start` on, where what is before it is the history; the end of what was written. */
function unpackBlock(block: Buffer, window: Buffer, start: number): number {
  let read = 0
  let write = start
  while (read < block.length) {
    const token = block[read++] ?? 0
    let literals = token >> 4
    if (literals === 15) for (let more = 255; more === 255; literals += more) more = next(block, read++)
    if (read + literals > block.length || write + literals > window.length)
      throw new Error('LZ4 literals out of bounds')
    block.copy(window, write, read, read + literals)
    read += literals
    write += literals
    if (read === block.length) return write

    const distance = next(block, read++) | (next(block, read++) << 8)
    let length = (token & 15) + 4
    if (length === 19) for (let more = 255; more === 255; length += more) more = next(block, read++)
    const from = write - distance
    if (distance === 0 || from < 0 || write + length > window.length) throw new Error('LZ4 match out of bounds')
    // A match may reach into what it writes itself: bytes must then be copied one by one, in order.
    if (distance >= length) window.copyWithin(write, from, from + length)
    else for (let i = 0; i < length; i++) window[write + i] = window[from + i] ?? 0
    write += length
  }
  return write
}

function next(block: Buffer, offset: number): number {
  const byte = block[offset]
  if (byte === undefined) throw new Error('LZ4 block cut off')
  return byte
}
