import type { DumpData } from '../dump.ts'
import { unescapeField } from './copy-text.ts'

/** A sample is read to tell what a column holds; more rows tell no more. */
const sampleRows = 300
const sampleBytes = 512 * 1024

/** Values of the first rows of an entry, by position of the column, without NULL and the empty value. Nothing is written anywhere. */
export async function sampleValues(data: DumpData, entryId: number, columns: number): Promise<string[][]> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of data.rows(entryId)) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= sampleBytes) break
  }
  const text = Buffer.concat(pieces).toString('utf8')
  const lines = text.split('\n', sampleRows + 1).slice(0, bytes >= sampleBytes ? -1 : undefined)
  const closing = lines.indexOf('\\.')
  const rows = (closing < 0 ? lines : lines.slice(0, closing)).slice(0, sampleRows).map((line) => line.split('\t'))
  return Array.from({ length: columns }, (_, at) =>
    rows.flatMap((row) => {
      const field = row[at]
      return field === undefined || field === '' || field === '\\N' ? [] : [unescapeField(field)]
    }),
  )
}
