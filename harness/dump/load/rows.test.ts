import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowCounter } from './rows.ts'

function count(text: string, pieceBytes = 1_000_000): number {
  const counter = new RowCounter()
  const bytes = Buffer.from(text)
  for (let i = 0; i < bytes.length; i += pieceBytes) counter.add(bytes.subarray(i, i + pieceBytes))
  return counter.rows
}

test.each([
  ['no rows', '\\.\n\n\n', 0],
  ['rows of a table without columns', '\n\n\\.\n\n\n', 2],
  ['a row that is an escaped end', '\\\\.\n\\.\n\n\n', 1],
  ['a last row that is an escaped end, without the end', '\\\\.\n', 1],
  ['a value that ends like the end', 'a\\.\n\\.\n\n\n', 1],
  ['rows without the end', 'a\nb\n', 2],
  ['a last row without its newline', 'a\nb', 2],
  ['nothing at all', '', 0],
])('counts %s', (_, text, rows) => {
  expect(count(text)).toBe(rows)
  expect(count(text, 1)).toBe(rows)
})

test('counts the same in pieces of any size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z\\.\t]{0,9}$/)),
      fc.integer({ min: 1, max: 20 }),
      (lines, pieceBytes) => {
        const rows = lines.filter((line) => line !== '\\.')
        expect(count(`${rows.map((row) => `${row}\n`).join('')}\\.\n\n\n`, pieceBytes)).toBe(rows.length)
      },
    ),
    { seed: 3 },
  )
})
