import { createReadStream } from 'node:fs'
import type { DataForm, DumpData, LargeObjectPiece } from '../dump.ts'
import { sqlTokens } from '../sql-words.ts'
import { CopyText } from './copy-text.ts'
import type { Segment } from './draft.ts'
import { ScriptSplitter } from './split.ts'

/** The rows of scripts, read from where they stand. Those of INSERT statements come as COPY text, so that all are loaded alike. */
export class ScriptData implements DumpData {
  /** By id of the entry. */
  readonly #segments: ReadonlyMap<number, readonly Segment[]>

  constructor(segments: ReadonlyMap<number, readonly Segment[]>) {
    this.#segments = segments
  }

  form(entryId: number): DataForm | undefined {
    const form = this.#segments.get(entryId)?.[0]?.form
    return form === 'inserts' ? 'copy' : form
  }

  bytes(entryId: number): number {
    return (this.#segments.get(entryId) ?? []).reduce((sum, { start, end }) => sum + end - start, 0)
  }

  async *rows(entryId: number): AsyncGenerator<Buffer> {
    for (const segment of this.#segments.get(entryId) ?? []) {
      if (segment.form === 'copy') yield* bytesOf(segment)
      else yield* insertedRows(segment)
    }
  }

  async *largeObjects(entryId: number): AsyncGenerator<LargeObjectPiece> {
    for (const segment of this.#segments.get(entryId) ?? []) yield* largeObjectPieces(segment)
  }
}

async function* bytesOf({ path, start, end }: Segment): AsyncGenerator<Buffer> {
  if (end <= start) return
  yield* createReadStream(path, { start, end: end - 1, highWaterMark: 512 * 1024 }) as AsyncIterable<Buffer>
}

async function* insertedRows(segment: Segment): AsyncGenerator<Buffer> {
  const { path, standardStrings } = segment
  const sink = new CopyText()
  const splitter = new ScriptSplitter({ path, standardStrings, sink })
  for await (const piece of bytesOf(segment)) {
    splitter.feed(piece)
    const rows = sink.take()
    if (rows.length > 0) yield rows
  }
  splitter.end()
  const rows = sink.take()
  if (rows.length > 0) yield rows
}

/** lo_open of an object, then lowrite of its pieces in order, as pg_dump writes them. */
async function* largeObjectPieces(segment: Segment): AsyncGenerator<LargeObjectPiece> {
  const { path, standardStrings } = segment
  const splitter = new ScriptSplitter({ path, standardStrings })
  let [oid, offset] = [0, 0]
  for await (const piece of bytesOf(segment)) {
    for (const { kind, text } of splitter.feed(piece)) {
      if (kind !== 'statement') continue
      const opened = /lo_open\('(\d+)'/.exec(text.slice(0, 100))?.[1]
      if (opened) [oid, offset] = [Number(opened), 0]
      if (!/^\s*SELECT pg_catalog\.lowrite\(/.test(text)) continue
      const [, , literal] = [...sqlTokens(text, !standardStrings)].filter(
        (token) => token.literal || token.text === 'lowrite',
      )
      const bytes = Buffer.from(literal?.text.replace(/^E?'\\*x/, '').replace(/'$/, '') ?? '', 'hex')
      yield { oid, offset, bytes }
      offset += bytes.length
    }
  }
}
