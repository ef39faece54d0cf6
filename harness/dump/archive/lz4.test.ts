import { expect, test } from 'vitest'
import { unpackLz4 } from './lz4.ts'

async function unpack(hex: string, pieceBytes = 3): Promise<string> {
  const packed = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  async function* source() {
    for (let i = 0; i < packed.length; i += pieceBytes) yield packed.subarray(i, i + pieceBytes)
  }
  const pieces: Buffer[] = []
  for await (const piece of unpackLz4(source())) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

const header = '04224d18 40 40 c0'
const end = '00000000'

test('a match may overlap what it writes', async () => {
  // One literal "a", then 10 bytes from one byte back, then the literals "bcdef" that close a block.
  expect(await unpack(`${header} 0a000000 16 61 0100 50 6263646566 ${end}`)).toBe(`${'a'.repeat(11)}bcdef`)
})

test('a block refers to the blocks before it', async () => {
  const first = '04000080 77786162'
  const second = '09000000 00 0400 50 3132333435'.replace('09000000', '09000000')
  expect(await unpack(`${header} ${first} ${second} ${end}`)).toBe('wxabwxab12345')
})

test('several frames follow each other, and others are skipped', async () => {
  const stored = '02000080 6869'
  expect(await unpack(`${header} ${stored} ${end} 502a4d18 03000000 ffffff ${header} ${stored} ${end}`, 1)).toBe('hihi')
})

test.each([
  ['another format', '1f8b0800 00000000'],
  ['a frame that ends early', `${header} 0a000000 16 61`],
  ['a distance before the start', `${header} 04000000 16 61 0500 ${end}`],
  ['literals beyond the block', `${header} 02000000 f0 61 ${end}`],
  ['a block above its size', `${header} ffffff7f 00`],
])('%s is an error', async (_, hex) => {
  await expect(unpack(hex)).rejects.toThrow(/LZ4|cut off/)
})
