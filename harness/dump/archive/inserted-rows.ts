import { quoteIdentifier } from '../../database/identifiers.ts'
import { HarnessError } from '../../errors.ts'
import { type DataForm, type DumpData, displayEntry, type LargeObjectPiece, type TocEntry } from '../dump.ts'
import { CopyText } from '../plain/copy-text.ts'
import type { ScriptPart } from '../plain/parts.ts'
import { insertTarget } from '../plain/rows-statement.ts'
import { ScriptSplitter } from '../plain/split.ts'

type InsertPart = ScriptPart & { readonly kind: 'insert' }

/** Into which table and columns the INSERT statements of an entry write; the same for all of them. */
type Target = { readonly text: string; readonly defaults: readonly number[]; readonly copyStatement: string }

/**
 * Makes rows that are INSERT statements (`--inserts`, `--column-inserts`, `--rows-per-insert`) into those of COPY, so
 * that they are loaded, counted and masked like any others, and nothing but literals gets to the server.
 */
export class InsertedRows implements DumpData {
  readonly #data: DumpData
  readonly #path: string
  readonly #standardStrings: boolean
  /** Of each entry; undefined for one without a row. */
  readonly #targets = new Map<number, Target | undefined>()

  constructor(data: DumpData, path: string, standardStrings: boolean) {
    this.#data = data
    this.#path = path
    this.#standardStrings = standardStrings
  }

  /** Looks at the first statement of an entry: the COPY statement that does the same. Throws `dump.corrupt` and `dump.truncated`. */
  async copyStatementOf(entry: TocEntry): Promise<string> {
    for await (const { part } of this.#parts(entry.id, `the data of ${displayEntry(entry)}`)) {
      if (!part) continue
      const { table, statement } = insertTarget(part.text, part.defaults)
      if (table.name === '')
        throw this.#corrupt(`the data of ${displayEntry(entry)}`, 'an INSERT statement into no table')
      const target = { text: part.text, defaults: part.defaults, copyStatement: statement }
      this.#targets.set(entry.id, target)
      return target.copyStatement
    }
    this.#targets.set(entry.id, undefined)
    const table = [entry.schema, entry.name].filter((name) => name !== undefined)
    return `COPY ${table.map(quoteIdentifier).join('.')} FROM stdin;\n`
  }

  form(entryId: number): DataForm | undefined {
    return this.#data.form(entryId)
  }

  bytes(entryId: number): number {
    return this.#data.bytes(entryId)
  }

  async *rows(entryId: number): AsyncGenerator<Buffer> {
    if (!this.#targets.has(entryId)) {
      yield* this.#data.rows(entryId)
      return
    }
    const target = this.#targets.get(entryId)
    const place = `the data of entry ${entryId}`
    for await (const { rows, part } of this.#parts(entryId, place)) {
      if (part && (part.text !== target?.text || part.defaults.join() !== target.defaults.join())) {
        throw this.#corrupt(place, 'INSERT statements of several kinds')
      }
      if (rows.length > 0) yield rows
    }
  }

  largeObjects(entryId: number): AsyncIterable<LargeObjectPiece> {
    return this.#data.largeObjects(entryId)
  }

  /** Rows as they are read, and each statement once it is at its end. */
  async *#parts(entryId: number, place: string): AsyncGenerator<{ readonly rows: Buffer; readonly part?: InsertPart }> {
    const sink = new CopyText()
    const splitter = new ScriptSplitter({
      path: `${this.#path} (${place})`,
      standardStrings: this.#standardStrings,
      sink,
    })
    for await (const piece of this.#data.rows(entryId)) {
      const parts = splitter.feed(piece)
      yield { rows: sink.take() }
      for (const part of parts) yield { rows: nothing, part: this.#insert(part, place) }
    }
    for (const part of splitter.end()) yield { rows: nothing, part: this.#insert(part, place) }
  }

  #insert(part: ScriptPart, place: string): InsertPart {
    if (part.kind === 'insert') return part
    throw this.#corrupt(place, 'something other than INSERT statements')
  }

  #corrupt(place: string, what: string): HarnessError {
    return new HarnessError('dump.corrupt', `${this.#path} is damaged: ${what} in ${place}. Take the dump again.`, {
      facts: { path: this.#path, place },
    })
  }
}

const nothing = Buffer.alloc(0)
