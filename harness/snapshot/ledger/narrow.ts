import type { Connection } from '../../database/engine.ts'
import type { LedgerTable } from './catalog.ts'
import { type Differing, selectRows } from './chunks.ts'
import { rowAlias } from './image.ts'
import { keyTexts, type RowLayout, type Side, type SideLayout, type TablePair } from './layout.ts'
import { RowComparison } from './rows.ts'
import type { ScanResult } from './scan.ts'
import type { SessionPair } from './session.ts'

/** Rows in one bucket of the key's hash: few enough to hold, many enough to keep the round trips few. */
const rowsPerBucket = 2_000
/** What one FETCH may bring, on each side. */
const bytesPerFetch = 2 * 2 ** 20

/**
 * Compares the rows of the differing chunks, one bucket of key hashes at a time: what leaves the server are hashes of the key
 * and of each value, 8 bytes each; what Node holds is a few megabytes, however many rows differ.
 */
export async function narrow(
  pair: SessionPair,
  layout: RowLayout,
  differing: ScanResult['differing'],
): Promise<RowComparison> {
  const comparison = new RowComparison(layout)
  const most = Math.max(differing.before.rows, differing.after.rows)
  const buckets = 2 ** Math.min(16, Math.max(0, Math.ceil(Math.log2(most / rowsPerBucket))))
  const before = readBuckets(pair.before, layout.before, differing.before, buckets)
  const after = readBuckets(pair.after, layout.after, differing.after, buckets)
  try {
    let [left, right] = await Promise.all([before.next(), after.next()])
    while (!left.done || !right.done) {
      const bucket = Math.min(left.done ? Infinity : left.value.bucket, right.done ? Infinity : right.value.bucket)
      const mine = !left.done && left.value.bucket === bucket ? left.value.records : undefined
      const theirs = !right.done && right.value.bucket === bucket ? right.value.records : undefined
      comparison.compare(mine ?? none, theirs ?? none)
      const next = await Promise.all([mine ? before.next() : left, theirs ? after.next() : right])
      left = next[0]
      right = next[1]
    }
  } finally {
    await Promise.allSettled([before.return(undefined), after.return(undefined)])
  }
  return comparison
}

const none = Buffer.alloc(0)

type Bucket = { readonly bucket: number; readonly records: Buffer }

async function* readBuckets(
  connection: Connection,
  side: SideLayout,
  differing: Differing,
  buckets: number,
): AsyncGenerator<Bucket, undefined> {
  if (differing.heaps.length === 0) return
  const record = [side.keyHash, ...side.slots].map((hash) => `int8send(${hash})`).join(' || ')
  const size = 8 * (side.slots.length + 1)
  const perFetch = Math.max(1, Math.floor(bytesPerFetch / (size * Math.max(1, differing.rows / buckets))))
  try {
    // Sorted, not hashed, aggregation: one bucket at a time in the server's memory too.
    await connection.query('SET LOCAL enable_hashagg = off')
    await connection.query(`DECLARE ledger NO SCROLL CURSOR FOR
      SELECT bucket, string_agg(record, ''::bytea ORDER BY record) FROM (
        SELECT (get_byte(record, 6) << 8 | get_byte(record, 7)) & ${buckets - 1} AS bucket, record FROM (
          ${selectRows(differing, `${record} AS record`)}) AS ledger_records) AS ledger_buckets
      GROUP BY bucket ORDER BY bucket`)
    for (;;) {
      const { rows } = await connection.query<[number, Buffer]>({
        text: `FETCH ${perFetch} FROM ledger`,
        rowMode: 'array',
      })
      for (const [bucket, records] of rows) yield { bucket, records }
      if (rows.length < perFetch) return
    }
  } finally {
    await connection.query('CLOSE ledger').catch(() => {})
  }
}

/** The keys, as texts, of the rows with these key hashes (8 bytes each, latin1), by hash. One hash may name several rows. */
export async function fetchKeys(
  connection: Connection,
  table: TablePair,
  layout: Readonly<Record<Side, Pick<SideLayout, 'keyHash'>>>,
  which: Side,
  differing: Differing,
  hashes: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly (readonly string[])[]>> {
  const found = new Map<string, (readonly string[])[]>()
  if (!table.key || hashes.size === 0 || differing.heaps.length === 0) return found
  const wanted = [...hashes].map((hash) => Buffer.from(hash, 'latin1').readBigInt64BE().toString())
  const { rows } = await connection.query<[Buffer, string[]]>({
    rowMode: 'array',
    text: `SELECT int8send(hash), key FROM (${selectRows(differing, `${layout[which].keyHash} AS hash, ${keyTexts(table.key[which])} AS key`)}) AS ledger_keys
      WHERE hash = ANY ($1::bigint[])`,
    values: [wanted],
  })
  for (const [hash, key] of rows) {
    const name = hash.toString('latin1')
    const keys = found.get(name)
    if (keys) keys.push(key)
    else found.set(name, [key])
  }
  return found
}

/** Whether a column holds more than one value: a column filled with one default proves nothing about where a value went. */
export async function varies(connection: Connection, table: LedgerTable, column: string): Promise<boolean> {
  const everywhere: Differing = {
    rows: 0,
    pagesPerChunk: Math.max(1, ...table.heaps.map((heap) => heap.pages)),
    heaps: table.heaps.map((heap) => ({ heap, chunks: [0] })),
  }
  if (everywhere.heaps.length === 0) return false
  const value = `${rowAlias}."${column.replaceAll('"', '""')}"::text`
  const { rows } = await connection.query<{ varies: boolean }>(
    `SELECT min(hash) IS DISTINCT FROM max(hash) OR count(*) <> count(hash) AS varies
     FROM (${selectRows(everywhere, `hashtextextended((${value}) COLLATE "C", 0) AS hash`)}) AS ledger_values`,
  )
  return rows[0]?.varies ?? false
}
