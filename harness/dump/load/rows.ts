import type { Connection } from '../../database/engine.ts'
import { qualified, quoteLiteral } from '../../database/identifiers.ts'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import { release } from '../archive/pieces.ts'
import type { Dump, DumpData, TocEntry } from '../dump.ts'
import { copyIn } from './copy-in.ts'
import { isUndefinedObject, throwIfFatal } from './outcome.ts'

export type LoadedRows = { readonly rowsInArchive: number; readonly rowsLoaded: number; readonly error?: Error }

/** A packed block below this may hold no rows at all, as most tables of the platform do. */
const emptyBytes = 128
/** From here on, a new file for the table costs less than it saves. */
const freezeBytes = 64 * 1024

/**
 * Streams the rows of a `TABLE DATA` entry into its table with COPY and counts them on the way, in the archive's own
 * text. `fresh`: the table is there, is the dump's own and empty: it is then truncated in the same transaction, so that
 * the rows are written frozen and, at `wal_level = minimal`, without WAL.
 */
export async function loadRows(
  dump: Dump,
  entry: TocEntry,
  connection: Connection,
  options: {
    readonly fresh: boolean
    /** The table was there before the dump: its triggers and foreign keys are off while its rows are loaded. */
    readonly replica?: boolean
    readonly signal?: AbortSignal | undefined
    readonly onBytes?: (bytes: number) => void
  },
): Promise<LoadedRows> {
  const statement = /^\s*(COPY .+ FROM stdin);\s*$/s.exec(entry.copyStatement)?.[1]
  if (!statement) {
    throw new HarnessError(
      'dump.corrupt',
      `${dump.facts.path} is damaged: the rows of ${entry.schema}.${entry.name} come without a COPY statement.`,
    )
  }
  const bytes = dump.data.bytes(entry.id)
  if (options.fresh && bytes < emptyBytes && (await countRows(dump.data, entry.id)) === 0)
    return { rowsInArchive: 0, rowsLoaded: 0 }
  const copied =
    options.fresh && bytes >= freezeBytes
      ? `TRUNCATE TABLE ONLY ${qualified(entry.schema ?? '', entry.name)}; ${statement} WITH (FREEZE)`
      : `${options.replica ? 'SET LOCAL session_replication_role = replica; ' : ''}${statement}`
  // The server knows every encoding; the statement itself is read before the setting counts.
  const copy = isUtf8(dump.encoding) ? copied : `SET LOCAL client_encoding = ${quoteLiteral(dump.encoding)}; ${copied}`
  try {
    return await stream(dump.data, entry.id, connection, copy, options)
  } catch (error) {
    throwIfAborted(options.signal, `loading ${entry.schema}.${entry.name}`)
    throwIfFatal(error)
    if (isUndefinedObject(error)) {
      // A check or a generated column that calls what its function does not name with a schema.
      const retried = await stream(
        dump.data,
        entry.id,
        connection,
        `SET LOCAL search_path = public, extensions; ${copy}`,
        options,
      ).catch((again: unknown) => throwIfFatal(again))
      if (retried) return retried
    }
    return { rowsInArchive: await countRows(dump.data, entry.id), rowsLoaded: 0, error }
  }
}

/** SQL_ASCII is bytes of any kind: they go into the copy if they are UTF-8. */
function isUtf8(encoding: string): boolean {
  return encoding === 'UTF8' || encoding === 'SQL_ASCII'
}

async function stream(
  data: DumpData,
  entryId: number,
  connection: Connection,
  statement: string,
  { signal, onBytes }: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (bytes: number) => void },
): Promise<LoadedRows> {
  const counter = new RowCounter()
  async function* counted() {
    for await (const piece of data.rows(entryId)) {
      counter.add(piece)
      onBytes?.(piece.length)
      yield piece
    }
  }
  const rowsLoaded = await copyIn(connection, statement, counted(), signal)
  return { rowsInArchive: counter.rows, rowsLoaded }
}

/** Rows of an entry, without loading them. */
export async function countRows(data: DumpData, entryId: number): Promise<number> {
  const counter = new RowCounter()
  for await (const piece of data.rows(entryId)) {
    counter.add(piece)
    release(piece)
  }
  return counter.rows
}

const newline = 10

/** Counts the rows of COPY's text format: every line up to the `\.` that closes it. */
export class RowCounter {
  #lines = 0
  #tail = ''

  add(piece: Buffer): void {
    for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, at + 1)) this.#lines++
    this.#tail = (this.#tail + piece.toString('latin1', Math.max(0, piece.length - 8))).slice(-8)
  }

  get rows(): number {
    const [, after] = /(?:^|\n)\\\.(\n*)$/.exec(this.#tail) ?? []
    // A last line without its newline is a row too.
    if (after === undefined) return this.#lines + (this.#tail === '' || this.#tail.endsWith('\n') ? 0 : 1)
    return this.#lines - after.length
  }
}
