import type { Connection } from '../../database/engine.ts'

export type MaskColumn = {
  readonly name: string
  /** Name of the type behind domains and arrays: `text`, `varchar`, `jsonb` … */
  readonly base: string
  readonly isArray: boolean
  readonly isGenerated: boolean
  /** Characters that it may hold, where its type says so. */
  readonly limit?: number
}

export type MaskTable = {
  /** `schema.table`, as the dump names it. */
  readonly table: string
  /** The partitioned table that it is a part of, else itself. */
  readonly root: string
  readonly columns: readonly MaskColumn[]
}

/** The tables that a restore has made so far, with what a mask must know of their columns. */
export async function takeMaskFacts(connection: Connection): Promise<MaskTable[]> {
  const { rows } = await connection.query<{
    table: string
    root: string
    columns: readonly (Omit<MaskColumn, 'limit'> & { readonly limit: number | null })[]
  }>(factsSql)
  return rows.map(({ table, root, columns }) => ({
    table,
    root,
    columns: columns.map(({ limit, ...column }) => (limit === null ? column : { ...column, limit })),
  }))
}

const factsSql = `
  WITH RECURSIVE resolved (type, base, typmod) AS (
    SELECT oid, oid, -1 FROM pg_catalog.pg_type WHERE typtype <> 'd'
    UNION ALL
    SELECT d.oid, r.base, CASE WHEN d.typtypmod >= 0 THEN d.typtypmod ELSE r.typmod END
    FROM pg_catalog.pg_type d JOIN resolved r ON d.typbasetype = r.type WHERE d.typtype = 'd'
  )
  SELECT n.nspname || '.' || c.relname AS "table",
    (SELECT rn.nspname || '.' || rc.relname FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
      WHERE rc.oid = coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)) AS root,
    json_agg(json_build_object('name', a.attname, 'base', coalesce(e.typname, b.typname), 'isArray', e.typname IS NOT NULL, 'isGenerated', a.attgenerated <> '',
      'limit', CASE WHEN coalesce(e.typname, b.typname) IN ('varchar', 'bpchar') AND greatest(a.atttypmod, r.typmod) >= 4
        THEN greatest(a.atttypmod, r.typmod) - 4 END) ORDER BY a.attnum) AS columns
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN resolved r ON r.type = a.atttypid
  JOIN pg_catalog.pg_type b ON b.oid = r.base
  LEFT JOIN resolved er ON er.type = b.typelem AND b.typcategory = 'A'
  LEFT JOIN pg_catalog.pg_type e ON e.oid = er.base
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  GROUP BY n.nspname, c.relname, c.oid ORDER BY 1`
