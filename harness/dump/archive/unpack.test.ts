import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { unpackPieces } from './unpack.ts'
import { packLz4 } from './write-archive.ts'

const content = Buffer.from(Array.from({ length: 100_000 }, (_, n) => `${n * 7919}\n`).join(''))
const packed = { gzip: gzipSync(content), lz4: packLz4(content), zstd: zstdCompressSync(content) }

describe.each(['gzip', 'lz4', 'zstd'] as const)('what is packed with %s', (packing) => {
  const open = (bytes: Buffer) => {
    const state = { closed: false }
    async function* pieces() {
      try {
        for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096)
      } finally {
        state.closed = true
      }
    }
    return { state, pieces: unpackPieces(pieces(), packing, { path: 'x.dump', place: 'the rows' }) }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  test('is closed after its end', async () => {
    const { state, pieces } = open(packed[packing])
    let bytes = 0
    for await (const piece of pieces) bytes += piece.length
    await turn()
    expect({ bytes, ...state }).toEqual({ bytes: content.length, closed: true })
  })

  test('is closed when it is damaged', async () => {
    const damaged = Buffer.from(packed[packing])
    damaged.fill(0xff, 4, 12)
    const { state, pieces } = open(damaged)
    await expect(async () => {
      for await (const _ of pieces);
    }).rejects.toMatchObject({ code: 'dump.corrupt' })
    await turn()
    expect(state.closed).toBe(true)
  })

  test('is closed when nobody wants the rest', async () => {
    const { state, pieces } = open(packed[packing])
    for await (const _ of pieces) break
    await turn()
    expect(state.closed).toBe(true)
  })
})
