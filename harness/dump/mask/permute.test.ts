import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf, KeyedHash, wordOf } from './keyed-hash.ts'
import { digits, hexDigits, permute, permuteWithin } from './permute.ts'

const keyed = new KeyedHash('a key of the tests')

test('the keyed hash is BLAKE2s of a block with the key, the purpose and the value, however long these are', () => {
  const key = Buffer.from(hash('sha256', 'a key of the tests', 'hex'))
  const bytesOf = (words: Uint32Array) => Buffer.from(words.slice().buffer).toString('hex')
  const expectSame = (value: string) => {
    expect(bytesOf(keyed.of('purpose', value))).toBe(
      hash('blake2s256', Buffer.concat([key, Buffer.from(`purpose\0${value}`)]), 'hex'),
    )
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), expectSame))
  for (let length = 0; length < 200; length++) expectSame('a'.repeat(length))
  for (const long of ['b'.repeat(5000), 'é'.repeat(4100), `${'c'.repeat(4088)}😀`]) expectSame(long)
  expectSame('short again')
})

test('codes and words spend every bit that they are said to', () => {
  const words = (...given: number[]) => Uint32Array.from({ length: 8 }, (_, at) => given[at] ?? 0)
  expect(codeOf(words())).toBe('aaaaaaaaaaaaaaaa')
  for (const [of, bits] of [
    [codeOf, 80],
    [wordOf, 48],
  ] as const) {
    const made = Array.from({ length: 96 }, (_, bit) => {
      const hash = words()
      hash[bit >> 5] = 2 ** (31 - (bit & 31))
      return of(hash)
    })
    expect(new Set(made.slice(0, bits)).size).toBe(bits)
    expect(new Set(made.slice(bits))).toEqual(new Set([of(words())]))
    expect(made.slice(0, bits)).not.toContain(of(words()))
  }
  const parts = Array.from({ length: 1 << 16 }, (_, n) => wordOf(words(n)).slice(5, 10))
  expect(new Set(parts).size).toBe(1 << 16)
  expect(codeOf(words(0, 0, 0, 1 << 31, 5), 3)).toBe(codeOf(words(1 << 31, 5)))
})

test('every text of four digits, of two letters, of three hexadecimal digits has a mask of its own, of the same shape', () => {
  const everything = (length: number, alphabet: string): string[] =>
    length === 0 ? [''] : everything(length - 1, alphabet).flatMap((head) => [...alphabet].map((char) => head + char))
  for (const [texts, shape] of [
    [everything(4, '0123456789'), /^\d{4}$/],
    [everything(2, 'abcdefghijklmnopqrstuvwxyz').map((text) => `X-${text}`), /^[A-Z]-[a-z]{2}$/],
    [everything(1, '0123456789'), /^\d$/],
  ] as const) {
    const masks = texts.map((text) => permute(keyed, 'token', text))
    expect(new Set(masks).size).toBe(texts.length)
    expect(masks.every((mask) => shape.test(mask))).toBe(true)
  }
  const bytes = everything(3, '0123456789abcdef')
  expect(new Set(bytes.map((text) => permuteWithin(keyed, 'bytes', text, hexDigits))).size).toBe(4096)
  const numbers = everything(4, '0123456789')
  expect(new Set(numbers.map((text) => permuteWithin(keyed, 'phone', text, digits, 1))).size).toBe(numbers.length)
  expect(permuteWithin(keyed, 'phone', '4711', digits, 1)).toMatch(/^4/)
})

test('two texts never get one mask, and a mask says nothing under another key', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abcfgzABF019-._'), maxLength: 40 })
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(permute(keyed, 'token', one) === permute(keyed, 'token', other)).toBe(one === other)
    }),
    { numRuns: 3000 },
  )
  const uuid = '3f0e7f3c-5a53-4c8f-9d59-0b1c0f6c1a2b'
  expect(permute(keyed, 'token', uuid)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(permute(keyed, 'token', uuid)).not.toBe(permute(new KeyedHash('another'), 'token', uuid))
})

test('a long text takes time in proportion to its length, and differs where its end does', () => {
  const long = '0123456789abcdef'.repeat(30_000)
  const started = performance.now()
  const masked = permute(keyed, 'token', long)
  expect(performance.now() - started).toBeLessThan(5_000)
  expect(masked).toMatch(/^[0-9a-f]{480000}$/)
  expect(permute(keyed, 'token', `${long.slice(0, -1)}e`)).not.toBe(masked)
  expect(masked.slice(0, 16)).not.toBe(masked.slice(16, 32))
})

test('letters of any script are replaced, and what is neither letter nor digit stays', () => {
  expect(permute(keyed, 'token', 'Zoë–Łukasz 😀!')).toMatch(/^[A-Z][a-z]{2}–[a-z]{6} 😀!$/)
})
