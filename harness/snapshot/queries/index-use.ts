import type { Connection } from '../../database/engine.ts'
import { qualified } from '../../database/identifiers.ts'
import type { Finding } from '../../model/finding.ts'
import type { StoredIndex, StoredTable } from '../storage/take.ts'
import type { Measured } from './judge.ts'

/** A table of fewer bytes is read whole whatever indexes it has, or nearly: nothing is told by it. */
const fewestBytes = 40 * 8_192

/** Indexes that were used in the session's database since its statistics began, by oid; undefined where the server cannot say so at once. */
export async function takeIndexUse(session: Connection): Promise<ReadonlySet<number> | undefined> {
  const { rows: versions } = await session.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  if ((versions[0]?.version ?? 0) < 150_000) return undefined
  await session.query('select pg_stat_force_next_flush()')
  const { rows } = await session.query<{ oid: number }>(
    'select indexrelid::int as oid from pg_stat_user_indexes where idx_scan > 0',
  )
  return new Set(rows.map(({ oid }) => oid))
}

export type Sides = { readonly before: readonly StoredTable[]; readonly after: readonly StoredTable[] }

/** New indexes of tables of before that a read could use, and no read of the workload does. Pure. */
export function newIndexes(
  { before, after }: Sides,
  measured: readonly Measured[],
  counted: ReadonlySet<number> = new Set(),
): readonly { readonly table: StoredTable; readonly index: StoredIndex }[] {
  const used = usedOn(measured, 'after')
  const read = new Set(measured.map(({ relation }) => relation))
  return after.flatMap((table) => {
    const old = before.find(({ oid }) => oid === table.oid)
    if (old === undefined || !read.has(table.object)) return []
    return table.indexes
      .filter(
        (index) =>
          !index.enforces &&
          !index.servesReference &&
          !used.has(index.name) &&
          !counted.has(index.oid) &&
          twinOf(index, old) === undefined,
      )
      .map((index) => ({ table, index }))
  })
}

/**
 * What became of the indexes that the reads used, and of those that are new. An index that is gone counts where a read
 * that used it has no index of its table any more. `counted`: indexes that were used on after, also within functions;
 * `idle`: new indexes that no read would use if the table were larger. Pure.
 */
export function judgeIndexUse(
  { before, after }: Sides,
  measured: readonly Measured[],
  counted: ReadonlySet<number> = new Set(),
  idle: ReadonlySet<number> = new Set(),
): Finding[] {
  const usedNow = usedOn(measured, 'after')
  return after.flatMap((table): Finding[] => {
    const old = before.find(({ oid }) => oid === table.oid)
    if (old === undefined) return []
    const gone: IndexReads[] = []
    const abandoned: IndexReads[] = []
    for (const index of old.indexes) {
      const reads = readsWith(index.name, measured)
      const twin = twinOf(index, table)
      if (reads.length === 0 || table.bytes < fewestBytes) continue
      if (twin === undefined) {
        const bare = reads.filter((read) => !usesAnyOf(table, read))
        if (bare.length > 0) gone.push({ name: index.name, reads: bare })
      } else if (!usedNow.has(twin.name) && !counted.has(twin.oid)) abandoned.push({ name: twin.name, reads })
    }
    const unused = table.indexes.filter(({ oid }) => idle.has(oid))
    return [
      ...(gone.length > 0 ? [goneFinding(table, gone)] : []),
      ...(abandoned.length > 0 ? [abandonedFinding(table, abandoned)] : []),
      ...(unused.length > 0 ? [unusedFinding(table, unused)] : []),
    ]
  })
}

type IndexReads = { readonly name: string; readonly reads: readonly Measured[] }

function usedOn(measured: readonly Measured[], side: 'before' | 'after'): ReadonlySet<string> {
  return new Set(measured.flatMap((one) => (one[side].state === 'done' ? (one[side].indexes ?? []) : [])))
}

/** Reads that used the index before, and that are answered on both sides. */
function readsWith(index: string, measured: readonly Measured[]): readonly Measured[] {
  return measured.filter(
    ({ before, after }) => before.state === 'done' && after.state === 'done' && before.indexes?.includes(index),
  )
}

function usesAnyOf(table: StoredTable, { after }: Measured): boolean {
  return after.state === 'done' && table.indexes.some(({ name }) => after.indexes?.includes(name))
}

/** The same index on the other side: itself, maybe by another name, or one made anew that is alike. */
function twinOf(index: StoredIndex, { indexes }: StoredTable): StoredIndex | undefined {
  return (
    indexes.find(({ oid }) => oid === index.oid) ?? indexes.find(({ definition }) => definition === index.definition)
  )
}

const names = (indexes: readonly { readonly name: string }[]) => indexes.map(({ name }) => name).join(', ')
const lines = ({ name, reads }: IndexReads) => reads.map(({ shape, by }) => `${name} was used for ${shape} by ${by}`)

function goneFinding({ object }: StoredTable, gone: readonly IndexReads[]): Finding {
  return {
    kind: 'index.dropped',
    object,
    title: `Reads of ${object} used ${names(gone)}, which the migrations drop, and use no index of the table now.`,
    evidence: gone.flatMap(lines),
  }
}

function abandonedFinding({ object, schema }: StoredTable, abandoned: readonly IndexReads[]): Finding {
  return {
    kind: 'index.abandoned',
    object,
    title: `Reads of ${object} used ${names(abandoned)} before the migrations, and none does after them, though ${abandoned.length === 1 ? 'it is' : 'they are'} still there.`,
    evidence: abandoned.flatMap((one) => [
      ...lines(one),
      ...[...new Set(one.reads.flatMap(({ after }) => (after.state === 'done' ? (after.indexes ?? []) : [])))].map(
        (name) => `used instead: ${name}`,
      ),
    ]),
    fix: `If nothing else needs ${abandoned.length === 1 ? 'it' : 'them'}: ${abandoned.map(({ name }) => `drop index concurrently ${qualified(schema, name)};`).join(' ')}`,
  }
}

function unusedFinding({ object }: StoredTable, unused: readonly StoredIndex[]): Finding {
  return {
    kind: 'index.unused',
    object,
    title: `No read that was tried uses the new ${unused.length === 1 ? 'index' : 'indexes'} ${names(unused)} of ${object}.`,
    evidence: unused.map(({ name, definition }) => `${name}: ${definition}`),
  }
}
