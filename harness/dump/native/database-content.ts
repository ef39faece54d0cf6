import type { Database } from '../../database/engine.ts'

// For tests: what two databases are compared by.

/** Rows of one query. */
export async function query(database: Database, sql: string): Promise<Record<string, unknown>[]> {
  await using connection = await database.connect()
  return (await connection.query(sql)).rows
}

/** Row count and hash of every table and materialized view. */
export async function fingerprints(database: Database): Promise<Record<string, unknown>> {
  const tables = await query(
    database,
    `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relkind IN ('r', 'm') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1`,
  )
  const result: Record<string, unknown> = {}
  for (const { name } of tables) {
    const sql = `SELECT count(*)::int AS rows, md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")) AS hash FROM ${name} t`
    result[String(name)] = (await query(database, sql))[0]
  }
  return result
}

/** Everything of tables, indexes, sequences and views that a dump carries. */
export async function catalogue(database: Database): Promise<unknown[]> {
  return query(
    database,
    `SELECT c.oid::regclass::text AS name, relkind, relowner::regrole::text AS owner, relacl::text AS acl, relrowsecurity,
            (SELECT indisvalid FROM pg_index WHERE indexrelid = c.oid) AS valid, pg_get_indexdef(c.oid) AS index,
            (SELECT json_agg(json_build_array(conname, convalidated, pg_get_constraintdef(k.oid)) ORDER BY conname) FROM pg_constraint k WHERE conrelid = c.oid) AS constraints,
            (SELECT json_agg(json_build_array(polname, (SELECT array_agg(r::regrole::text ORDER BY r::regrole::text) FROM unnest(polroles) r), pg_get_expr(polqual, polrelid)) ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid) AS policies,
            (SELECT json_agg(json_build_array(tgname, tgenabled) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) AS triggers,
            (SELECT json_agg(json_build_array(attname, attacl::text, attidentity, attgenerated) ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns,
            (SELECT last_value FROM pg_sequences WHERE c.relkind = 'S' AND schemaname = c.relnamespace::regnamespace::text AND sequencename = c.relname) AS last_value,
            obj_description(c.oid) AS comment
       FROM pg_class c
      WHERE relnamespace::regnamespace::text !~ '^pg_|information_schema' ORDER BY 1, 2`,
  )
}
