import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { ledgerSchema } from './schemas.ts'

/** What the ledger has to know of one database before it reads a row. */
export type LedgerCatalog = {
  /** Server version as a number: 170010. */
  readonly server: number
  /** Tables and roots of partitioned tables, sorted by name. */
  readonly tables: readonly LedgerTable[]
}

export type LedgerTable = {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** `schema.name`, for people and expectations. */
  readonly object: string
  readonly columns: readonly LedgerColumn[]
  /** Column sets that name a row, all not null: the primary key first, then unique indexes by name. */
  readonly keys: readonly (readonly string[])[]
  /** Where the rows lie: the table itself, or every leaf of a partitioned one. */
  readonly heaps: readonly Heap[]
}

export type Heap = {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly pages: number
  /** Where its pages are, from the server's data folder; null where a checkpoint does not bring all of them there. */
  readonly file: string | null
  /** Of a partition: its columns, their places, types and defaults, as one text. */
  readonly columns: string
}

export type LedgerColumn = {
  readonly name: string
  readonly position: number
  /** With its modifier, as Postgres writes it: `numeric(12,2)`. */
  readonly type: string
  /** Base type of a domain, else the type: its name, and its oid where both databases know it (below 16384). */
  readonly base: string
  readonly builtIn: boolean
  readonly hasTypmod: boolean
  /** False for a collation under which different texts are equal. */
  readonly deterministic: boolean
  /** The expression of a generated column. */
  readonly generated?: string
  /** What rows hold that are older than the column, where that is not NULL. */
  readonly whenAbsent: string | null
  /** A BEFORE UPDATE trigger, or convention, keeps the time of the last change here. */
  readonly keptByTrigger: boolean
}

/** Reads the tables of the app, of auth and of storage. */
export async function takeCatalog(connection: Connection): Promise<LedgerCatalog> {
  const { rows } = await connection.query<{ server: number; tables: readonly RawTable[] | null }>(catalogQuery)
  const [row] = rows
  if (row === undefined) throw new Error('The catalogue query returned no row.')
  const tables = (row.tables ?? []).filter((table) => ledgerSchema(table.schema)).map(toTable)
  return { server: row.server, tables: tables.sort((a, b) => (a.object < b.object ? -1 : 1)) }
}

type RawColumn = Omit<LedgerColumn, 'keptByTrigger' | 'generated'> & { readonly generated: string | null }
type RawTable = Omit<LedgerTable, 'columns' | 'object'> & {
  readonly columns: readonly RawColumn[]
  readonly triggers: readonly { readonly function: string; readonly source: string; readonly args: string }[]
}

function toTable({ triggers, columns, ...table }: RawTable): LedgerTable {
  return {
    ...table,
    object: displayName(table.schema, table.name),
    columns: columns.map(({ generated, ...column }) => ({
      ...column,
      ...(generated === null ? {} : { generated }),
      keptByTrigger: momentTypes.has(column.base) && keepsMoment(column.name, triggers),
    })),
  }
}

const momentTypes: ReadonlySet<string> = new Set(['timestamptz', 'timestamp', 'date'])
const momentNames: ReadonlySet<string> = new Set([
  'updated_at',
  'modified_at',
  'last_modified',
  'updatedAt',
  'modifiedAt',
  'last_updated',
])
const clock = String.raw`(?:pg_catalog\.)?(?:now\s*\(|current_timestamp|current_date|localtimestamp|clock_timestamp\s*\(|transaction_timestamp\s*\(|statement_timestamp\s*\(|timezone\s*\()`

/** Only the clock counts as kept: a trigger that lowercases an address must not make a change of that address harmless. */
function keepsMoment(column: string, triggers: RawTable['triggers']): boolean {
  if (momentNames.has(column)) return true
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const assignment = new RegExp(String.raw`\bnew\s*\.\s*"?${name}"?\s*:?=\s*\(?\s*${clock}`, 'i')
  return triggers.some((trigger) =>
    trigger.function === 'moddatetime'
      ? trigger.args.split(String.raw`\000`).includes(column)
      : assignment.test(trigger.source),
  )
}

const catalogQuery = `
WITH RECURSIVE resolved (type, base, typmod) AS (
  SELECT oid, oid, -1 FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, r.base, CASE WHEN d.typtypmod >= 0 THEN d.typtypmod ELSE r.typmod END
  FROM pg_type d JOIN resolved r ON d.typbasetype = r.type WHERE d.typtype = 'd'
), tables AS (
  SELECT c.oid, c.relname, c.relkind, n.nspname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
)
SELECT current_setting('server_version_num')::int AS server, (SELECT json_agg(json_build_object(
  'oid', t.oid::bigint, 'schema', t.nspname, 'name', t.relname,
  'columns', (SELECT coalesce(json_agg(json_build_object(
      'name', a.attname, 'position', a.attnum, 'type', format_type(a.atttypid, a.atttypmod), 'base', b.typname,
      'builtIn', b.oid::bigint < 16384, 'hasTypmod', greatest(a.atttypmod, r.typmod) >= 0,
      'deterministic', coalesce(co.collisdeterministic, true), 'whenAbsent', a.attmissingval::text,
      'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END) ORDER BY a.attnum), '[]')
    FROM pg_attribute a JOIN resolved r ON r.type = a.atttypid JOIN pg_type b ON b.oid = r.base
      LEFT JOIN pg_collation co ON co.oid = a.attcollation
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'keys', (SELECT coalesce(json_agg(k.names ORDER BY k.indisprimary DESC, k.relname), '[]') FROM (
    SELECT i.indisprimary, ic.relname, (SELECT json_agg(a.attname ORDER BY u.place)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum WHERE u.place <= i.indnkeyatts) AS names
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
    WHERE i.indrelid = t.oid AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
      AND (i.indisvalid OR ic.relkind = 'I') AND NOT EXISTS (
        SELECT FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS u (attnum)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum WHERE NOT a.attnotnull)) k),
  'heaps', (SELECT coalesce(json_agg(json_build_object('oid', h.oid::bigint, 'schema', hn.nspname, 'name', h.relname,
      'pages', pg_relation_size(h.oid) / current_setting('block_size')::int,
      'file', CASE WHEN h.relpersistence = 'p' AND h.relam = 2 THEN pg_relation_filepath(h.oid) END,
      'columns', CASE WHEN h.relispartition THEN (SELECT json_agg(json_build_array(a.attname, a.attnum, a.atttypid::bigint, a.attmissingval::text, a.attgenerated)
        ORDER BY a.attnum)::text FROM pg_attribute a WHERE a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped) ELSE '' END) ORDER BY hn.nspname, h.relname), '[]')
    FROM (SELECT t.oid AS relid WHERE t.relkind = 'r'
          UNION ALL SELECT p.relid FROM pg_partition_tree(t.oid) p WHERE t.relkind = 'p' AND p.isleaf) l
    JOIN pg_class h ON h.oid = l.relid AND h.relkind = 'r' JOIN pg_namespace hn ON hn.oid = h.relnamespace),
  'triggers', (SELECT coalesce(json_agg(json_build_object('function', p.proname, 'source', p.prosrc,
      'args', encode(g.tgargs, 'escape'))), '[]')
    FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0 AND g.tgtype & 16 <> 0)
)) FROM tables t) AS tables`
