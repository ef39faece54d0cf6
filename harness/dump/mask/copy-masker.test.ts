import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CopyMasker, type FieldMask } from './copy-masker.ts'
import { escapeField, unescapeField } from './copy-text.ts'

const loud: FieldMask = { mask: (value) => `<${value.length}>` }
const marked: FieldMask = { mask: (value) => value.replaceAll('@', '(at)'), onlyMarked: true }

const value = fc.oneof(
  fc.constant(null),
  fc.constant(''),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('\t', '\n', '\r', '\\', '@', 'N', '.', 'e', 'y', 'J', 'a', 'é', '\b', '\v', '\f'),
  }),
  // Rows are skipped only from some length on.
  fc.string({ unit: fc.constantFrom('\n', '\\', '.', 'a'), minLength: 30, maxLength: 90 }),
)
const columnMask = fc.constantFrom(undefined, loud, marked)
const table = fc.integer({ min: 1, max: 5 }).chain((width) =>
  fc.record({
    columns: fc.array(columnMask, { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(value, { minLength: width, maxLength: width }), { maxLength: 8 }),
    cuts: fc.array(fc.nat(200), { maxLength: 12 }),
    closing: fc.constantFrom('\\.\n', '\\.\n\n\n', ''),
  }),
)

const copyText = (rows: readonly (readonly (string | null)[])[]) =>
  rows.map((row) => `${row.map((one) => (one === null ? '\\N' : escapeField(one))).join('\t')}\n`).join('')

function maskInPieces(text: string, columns: readonly (FieldMask | undefined)[], cuts: readonly number[]): string {
  const bytes = Buffer.from(text)
  const masker = new CopyMasker(columns)
  const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
  const pieces = edges.slice(1).map((edge, index) => masker.push(bytes.subarray(edges[index], edge)))
  return Buffer.concat([...pieces.map((piece) => Buffer.from(piece)), masker.end()]).toString('utf8')
}

describe("masking COPY's text format", () => {
  test('a value is the same after it was escaped and read again', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => unescapeField(escapeField(text)) === text))
  })

  test('values are masked field by field, wherever the pieces end', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, cuts, closing }) => {
        const wanted = rows.map((row) =>
          row.map((one, at) => (one === null || one === '' ? one : (columns[at]?.mask(one) ?? one))),
        )
        expect(maskInPieces(copyText(rows) + closing, columns, cuts)).toBe(copyText(wanted) + closing)
      }),
      { numRuns: 2000 },
    )
  })

  test('NULL, the empty value and the closing line stay, in the first and only column as well', () => {
    expect(maskInPieces('\\N\n\nabc\n\\\\.\n\\.\n\n\n', [loud], [])).toBe('\\N\n\n<3>\n<2>\n\\.\n\n\n')
    for (const cut of [1, 2, 3, 4])
      expect(maskInPieces('ab\n\\.\nx@y\n', [undefined, loud], [cut])).toBe('ab\n\\.\nx@y\n')
  })

  test('a tab or a line break behind a backslash ends no field, as Postgres reads it', () => {
    expect(maskInPieces('a\\\tb\tsecret\n', [undefined, loud], [])).toBe('a\\\tb\t<6>\n')
    expect(maskInPieces('a\\\nb\tsecret\nx\ty\n', [undefined, loud], [2, 3])).toBe('a\\\nb\t<6>\nx\t<1>\n')
  })

  test('counts the values that changed', () => {
    const masker = new CopyMasker([loud, marked, undefined])
    masker.push(Buffer.from('a\tb@c\tx\n\\N\tb\tx\na\t\t\n'))
    expect(masker.counts).toEqual([2, 1, 0])
  })

  test('tells each row before its fields', () => {
    const seen: string[] = []
    const noting: FieldMask = {
      mask(one) {
        seen.push(one)
        return one
      },
    }
    const masker = new CopyMasker([noting], () => seen.push('row'))
    masker.push(Buffer.from('a\n\\N\nb\n'))
    expect(seen).toEqual(['row', 'a', 'row', 'row', 'b', 'row'])
  })
})
