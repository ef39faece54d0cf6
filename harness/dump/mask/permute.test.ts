import { createHmac, hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeOf, keyedHash, wordOf } from './keyed-hash.ts'
import { permute, permuteWithin } from './permute.ts'

const keyed = keyedHash('a key of the tests')

test('the keyed hash is HMAC-SHA256', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const hmac = createHmac('sha256', hash('sha256', 'a key of the tests', 'hex'))
      expect(keyed('purpose', value)).toBe(hmac.update(`purpose\0${value}`).digest('hex'))
    }),
  )
})

test('codes and words spend every bit that they are said to', () => {
  expect(codeOf('0'.repeat(64))).toBe('aaaaaaaaaaaaaaaa')
  expect(new Set(Array.from({ length: 1 << 10 }, (_, n) => codeOf(n.toString(16).padStart(5, '0'), 4))).size).toBe(
    1 << 10,
  )
  expect(
    new Set(Array.from({ length: 1 << 16 }, (_, n) => wordOf(n.toString(16).padStart(4, '0').padEnd(12, '0')))).size,
  ).toBe(1 << 16)
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
  expect(new Set(bytes.map((text) => permuteWithin(keyed, 'bytes', text, '0123456789abcdef'))).size).toBe(4096)
  const numbers = everything(4, '0123456789')
  expect(new Set(numbers.map((text) => permuteWithin(keyed, 'phone', text, '0123456789', 1))).size).toBe(numbers.length)
  expect(permuteWithin(keyed, 'phone', '4711', '0123456789', 1)).toMatch(/^4/)
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
  expect(permute(keyed, 'token', uuid)).not.toBe(permute(keyedHash('another'), 'token', uuid))
})

test('letters of any script are replaced, and what is neither letter nor digit stays', () => {
  expect(permute(keyed, 'token', 'Zoë–Łukasz 😀!')).toMatch(/^[A-Z][a-z]{2}–[a-z]{6} 😀!$/)
})
