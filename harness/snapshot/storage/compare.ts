import { qualified } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { type StoredIndex, type StoredTable, totalBytes } from './take.ts'

/** Less than so many bytes more, or left behind, nobody needs to know of. */
const fewestBytes = 8 * 2 ** 20
/** Growth that counts, as a ratio. */
const growth = 1.2
/** Of a table with its indexes, and of a single index: what share may hold nothing. A page that was split is half full. */
const emptyShare = 0.3
const emptyShareOfIndex = 0.5

/** What a table takes once it was written anew; `estimated`: it is too large for that, and reckoned by its rows of before. */
export type Compact = { readonly table: StoredTable; readonly estimated: boolean }

/**
 * Tables of after that may take far more than their rows need: large, and with more bytes for each row than before, or
 * new. Whether they do is told by writing them anew. Pure.
 */
export function suspects(before: readonly StoredTable[], after: readonly StoredTable[]): readonly StoredTable[] {
  const known = new Set(before.map(({ oid }) => oid))
  const loose = new Set(looser(before, after))
  return after.filter((table) => totalBytes(table) >= fewestBytes && (!known.has(table.oid) || loose.has(table)))
}

/** Tables that take more for each row than before, however small they are. Pure. */
export function looser(before: readonly StoredTable[], after: readonly StoredTable[]): readonly StoredTable[] {
  const was = new Map(before.map((table) => [table.oid, table]))
  return after.filter((table) => {
    const old = was.get(table.oid)
    return old !== undefined && partsOf(table, old).some((part) => part.after > part.before * growth)
  })
}

/** Bytes for each row of each part that both sides have. */
function partsOf(table: StoredTable, old: StoredTable): readonly { readonly before: number; readonly after: number }[] {
  const [rows, oldRows] = [Math.max(table.rows, 1), Math.max(old.rows, 1)]
  const part = (bytes: number, oldBytes: number) => ({ before: oldBytes / oldRows, after: bytes / rows })
  const indexes = table.indexes.flatMap((index) => {
    const twin = old.indexes.find(({ oid }) => oid === index.oid)
    return twin === undefined ? [] : [part(index.bytes, twin.bytes)]
  })
  return [part(table.bytes, old.bytes), part(table.toastBytes, old.toastBytes), ...indexes]
}

/** What a suspect would take, by the bytes that a row had before; undefined for a new table. Pure. */
export function reckoned(table: StoredTable, before: readonly StoredTable[]): Compact | undefined {
  const old = before.find(({ oid }) => oid === table.oid)
  if (old === undefined || old.rows === 0) return undefined
  const scale = (bytes: number, oldBytes: number) => Math.min(bytes, (oldBytes / old.rows) * table.rows)
  const indexes = table.indexes.map((index) => {
    const twin = old.indexes.find(({ oid }) => oid === index.oid)
    return twin === undefined ? index : { ...index, bytes: scale(index.bytes, twin.bytes) }
  })
  const [bytes, toastBytes] = [scale(table.bytes, old.bytes), scale(table.toastBytes, old.toastBytes)]
  return { table: { ...table, bytes, toastBytes, indexes }, estimated: true }
}

/** What the tables take on both sides, `compact` by oid holding the suspects once written anew. Pure. */
export function compareStorage(
  before: readonly StoredTable[],
  after: readonly StoredTable[],
  compact: ReadonlyMap<number, Compact>,
): { findings: Finding[]; checks: Check[] } {
  const was = new Map(before.map((table) => [table.oid, table]))
  const findings = after.flatMap((table): Finding[] => {
    const old = was.get(table.oid)
    const anew = compact.get(table.oid)
    const bloat = anew && bloatOf(table, old, anew)
    return [bloat ?? grownOf(table, old)].filter((finding) => finding !== undefined)
  })
  const sum = (tables: readonly StoredTable[]) => tables.reduce((total, table) => total + totalBytes(table), 0)
  const [bytesBefore, bytesAfter] = [sum(before), sum(after)]
  const left = findings.filter(({ kind }) => kind === 'storage.bloat').length
  const check: Check = {
    id: 'performance.storage',
    metric: 'performance',
    title: 'What tables and indexes take on both sides',
    status: 'passed',
    required: false,
    summary:
      `${after.length} tables with their indexes take ${size(bytesAfter)}, ${size(bytesBefore)} before; ` +
      `${left === 0 ? 'the migrations leave no room of note behind' : `${left} of them ${left === 1 ? 'has' : 'have'} room left behind that holds nothing`}.`,
    numbers: { tables: after.length, bytesBefore, bytesAfter, tablesWithRoomLeft: left },
  }
  return { findings, checks: [check] }
}

function bloatOf(table: StoredTable, old: StoredTable | undefined, { table: anew, estimated }: Compact) {
  const [now, needed] = [totalBytes(table), totalBytes(anew)]
  const empty = table.indexes.filter((index) => {
    const more = index.bytes - bytesOfIndex(anew, index)
    return more >= fewestBytes && more >= index.bytes * emptyShareOfIndex
  })
  const left = now - needed
  if ((left < fewestBytes || left < now * emptyShare) && empty.length === 0) return undefined
  const line = (part: string, bytes: number, least: number) =>
    bytes - least < fewestBytes / 8 ? [] : [`${part}: ${size(bytes)}, of which ${size(bytes - least)} hold nothing`]
  const finding: Finding = {
    kind: 'storage.bloat',
    object: table.object,
    title: `${table.object} takes ${size(now)} after the migrations for rows that need ${estimated ? 'about ' : ''}${size(needed)}: rows that were rewritten or deleted left the rest behind.`,
    evidence: [
      old === undefined ? 'The table is new.' : `It took ${size(totalBytes(old))} before.`,
      `${table.rows.toLocaleString('en-US')} rows`,
      ...line('rows', table.bytes, anew.bytes),
      ...line('values out of line', table.toastBytes, anew.toastBytes),
      ...table.indexes.flatMap((index) => line(`index ${index.name}`, index.bytes, bytesOfIndex(anew, index))),
      estimated
        ? 'It is too large to be written anew here: what it needs is reckoned by its rows of before.'
        : 'Measured after a vacuum, against the same table written anew.',
    ],
    fix:
      left >= fewestBytes && left >= now * emptyShare
        ? `Later rows fill the room, but reads of the whole table stay dearer until then. Write in batches with a vacuum between them, or run this when the table may be locked for that long (pg_repack does it without): vacuum (full, analyze) ${table.sql};`
        : `Run after the deploy: ${empty.map(({ name }) => `reindex index concurrently ${qualified(table.schema, name)};`).join(' ')}`,
  }
  return finding
}

function bytesOfIndex(table: StoredTable, { oid, bytes }: StoredIndex): number {
  return table.indexes.find((index) => index.oid === oid)?.bytes ?? bytes
}

function grownOf(table: StoredTable, old: StoredTable | undefined): Finding | undefined {
  const [now, was] = [totalBytes(table), old === undefined ? 0 : totalBytes(old)]
  if (now - was < fewestBytes || now < was * growth) return undefined
  const line = (part: string, bytes: number, oldBytes: number) =>
    bytes === oldBytes ? [] : [`${part}: ${size(oldBytes)} → ${size(bytes)}`]
  return {
    kind: 'storage.grown',
    object: table.object,
    title:
      old === undefined
        ? `The new table ${table.object} takes ${size(now)} with its indexes.`
        : `${table.object} takes ${size(now - was)} more on disk: ${size(now)} with its indexes, ${size(was)} before.`,
    evidence: [
      `${(old?.rows ?? 0).toLocaleString('en-US')} → ${table.rows.toLocaleString('en-US')} rows`,
      ...line('rows', table.bytes, old?.bytes ?? 0),
      ...line('values out of line', table.toastBytes, old?.toastBytes ?? 0),
      ...table.indexes.flatMap((index) =>
        line(`index ${index.name}`, index.bytes, old?.indexes.find(({ oid }) => oid === index.oid)?.bytes ?? 0),
      ),
    ],
  }
}

/** `840 kB`, `12.4 MB`, `3.1 GB` */
function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
