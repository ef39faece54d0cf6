import type { DumpData } from '../dump.ts'
import { unescapeField } from './copy-text.ts'

/** A sample is read to tell what a column holds; more rows tell no more. */
const sampleRows = 300
const sampleBytes = 512 * 1024

/** Values of the first rows of an entry, by position of the column, without NULL and the empty value. Nothing is written anywhere. */
export async function sampleValues(data: DumpData, entryId: number): Promise<string[][]> {
  const pieces: Buffer[] = []
  let bytes = 0
  let lines = 0
  for await (const piece of data.rows(entryId)) {
    // Not more of it than is looked at: the first piece of a large table has thousands of rows.
    const end = endOfLines(piece, sampleRows - lines)
    lines += end.lines
    pieces.push(piece.subarray(0, end.at))
    bytes += end.at
    if (bytes >= sampleBytes || lines >= sampleRows) break
  }
  const isCut = bytes >= sampleBytes || lines >= sampleRows
  const text = Buffer.concat(pieces).toString('utf8')
  const all = text.split('\n').slice(0, isCut ? -1 : undefined)
  const closing = all.indexOf('\\.')
  const rows = (closing < 0 ? all : all.slice(0, closing)).map((line) => line.split('\t'))
  return Array.from({ length: rows[0]?.length ?? 0 }, (_, at) =>
    rows.flatMap((row) => {
      const field = row[at]
      return field === undefined || field === '' || field === '\\N' ? [] : [unescapeField(field)]
    }),
  )
}

/** Where so many lines end, or the piece does. */
function endOfLines(piece: Buffer, most: number): { readonly at: number; readonly lines: number } {
  let at = 0
  for (let lines = 0; lines < most; lines++) {
    const newline = piece.indexOf(10, at)
    if (newline < 0) return { at: piece.length, lines }
    at = newline + 1
  }
  return { at, lines: most }
}
