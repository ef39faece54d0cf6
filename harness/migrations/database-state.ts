import type { Database } from '../database/engine.ts'
import { displayName, qualified, quoteIdentifier } from '../database/identifiers.ts'
import { compareText } from './order.ts'

/** What a database holds, by names, so that two databases can be compared: hashes of definitions, and of columns of tables. */
export type DatabaseState = {
  /** `index public.tasks_event` → hash of its definition. */
  readonly objects: ReadonlyMap<string, string>
  readonly tables: ReadonlyMap<string, TableState>
}

export type TableState = {
  readonly rows: number
  /** Of all rows together, whatever their order. */
  readonly hash: string
  readonly columns: ReadonlyMap<string, string>
}

/** Each object of the user's schemas with all that a migration can set of it. Positions of columns are left out. */
const definitions = `
  WITH own AS (SELECT oid, nspname, nspacl, nspowner FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND nspname NOT LIKE 'greenlight\\_%'),
  rel AS (SELECT c.*, own.nspname, format('%I.%I', own.nspname, c.relname) AS id FROM pg_class c JOIN own ON own.oid = c.relnamespace)
  SELECT 'schema ' || quote_ident(nspname), concat_ws('|', nspowner::regrole, nspacl) FROM own
  UNION ALL SELECT CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'view ' ELSE 'table ' END || id,
    concat_ws('|', relkind, relowner::regrole, relacl, reloptions, relrowsecurity, relforcerowsecurity, relreplident, relpersistence,
      CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END, pg_get_expr(relpartbound, oid),
      CASE WHEN relkind = 'S' THEN (SELECT concat_ws('|', seqtypid::regtype, seqincrement, seqmax, seqmin, seqcycle) FROM pg_sequence WHERE seqrelid = oid) END)
    FROM rel WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  UNION ALL SELECT format('column %s.%I', id, attname), concat_ws('|', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
      attacl, attcollation, pg_get_expr(adbin, adrelid))
    FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  UNION ALL SELECT 'index ' || id, concat_ws('|', pg_get_indexdef(indexrelid), indisvalid, indisready, indisreplident)
    FROM rel JOIN pg_index ON indexrelid = rel.oid
  UNION ALL SELECT format('constraint %s on %s', quote_ident(conname), id), concat_ws('|', pg_get_constraintdef(k.oid), convalidated)
    FROM rel JOIN pg_constraint k ON conrelid = rel.oid
  UNION ALL SELECT format('trigger %s on %s', quote_ident(tgname), id), concat_ws('|', pg_get_triggerdef(t.oid), tgenabled)
    FROM rel JOIN pg_trigger t ON tgrelid = rel.oid AND NOT tgisinternal
  UNION ALL SELECT format('policy %s on %s', quote_ident(polname), id), concat_ws('|', polcmd, polpermissive,
      (SELECT array_agg(r::regrole::text ORDER BY r::regrole::text) FROM unnest(polroles) r),
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM rel JOIN pg_policy ON polrelid = rel.oid
  UNION ALL SELECT 'function ' || p.oid::regprocedure, concat_ws('|', CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END, proowner::regrole, proacl)
    FROM pg_proc p JOIN own ON own.oid = pronamespace
  UNION ALL SELECT 'type ' || t.oid::regtype, concat_ws('|', typtype, typowner::regrole, typacl, typnotnull, typdefault,
      (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t JOIN own ON own.oid = typnamespace WHERE typtype IN ('e', 'd', 'r')
  UNION ALL SELECT 'extension ' || extname, extversion FROM pg_extension
  UNION ALL SELECT 'event trigger ' || evtname, concat_ws('|', evtevent, evtfoid::regproc, evtenabled, evttags) FROM pg_event_trigger
  UNION ALL SELECT format('publication %I of %s', pubname, coalesce(prrelid::regclass::text, 'nothing')), puballtables::text
    FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid
  UNION ALL SELECT format('default rights of %s in %s on %s', defaclrole::regrole, coalesce(nullif(defaclnamespace, 0)::regnamespace::text, 'every schema'), defaclobjtype),
    defaclacl::text FROM pg_default_acl
  UNION ALL SELECT format('comment on %s', i.identity), d.description FROM pg_description d
    CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i WHERE d.objoid >= 16384`

/**
 * Reads the definitions of all objects, and of `tables` (`public.tasks`) the count, a hash of the rows and one of each
 * column's values, whatever their order. Columns that count up by themselves are in no hash. A table whose rows are those
 * of `like` has its columns, too, and these are not read. Throws `database.failed`.
 */
export async function takeState(
  database: Database,
  tables: readonly string[],
  like?: DatabaseState,
): Promise<DatabaseState> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight state' })
  // Names in definitions are written with their schemas.
  await session.query("SET search_path = ''; SET quote_all_identifiers = off")
  const ask = async <Row extends object>(sql: string) => (await session.query<Row>(sql)).rows
  return await readState(ask, tables, like)
}

/** Asks the database as a superuser with an empty search_path, wherever the question is put. */
export type Ask = <Row extends object>(sql: string) => Promise<readonly Row[]>

/** `takeState` in a session that is there already, so that it sees what its transaction has not committed. */
export async function readState(
  ask: Ask,
  tables: readonly string[],
  like: DatabaseState | undefined,
): Promise<DatabaseState> {
  const rows = await ask<{ readonly name: string; readonly hash: string }>(
    `SELECT name, md5(string_agg(coalesce(definition, ''), E'\\n' ORDER BY definition)) AS hash
     FROM (${definitions}) AS all_objects (name, definition) GROUP BY name`,
  )
  return {
    objects: new Map(rows.map(({ name, hash }) => [name, hash])),
    tables: await tableStates(ask, tables, like),
  }
}

type Column = { readonly name: string; readonly plain: boolean; readonly text: boolean }
type ColumnRow = { readonly schema: string; readonly name: string; readonly columns: readonly Column[] | null }

/** Types whose hash tells any two different values apart. */
const plain = "'int2', 'int4', 'int8', 'bool', 'uuid', 'date', 'timestamp', 'timestamptz', 'bytea'"

async function tableStates(
  ask: Ask,
  names: readonly string[],
  like: DatabaseState | undefined,
): Promise<ReadonlyMap<string, TableState>> {
  const states = new Map<string, TableState>()
  if (names.length === 0) return states
  const rows = await ask<ColumnRow>(
    `SELECT n.nspname AS schema, c.relname AS name,
       (SELECT json_agg(json_build_object('name', a.attname, 'plain', t.oid < 16384 AND t.typname IN (${plain}),
            'text', t.oid < 16384 AND t.typname IN ('text', 'varchar')) ORDER BY a.attname)
          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
          AND coalesce(pg_get_expr(d.adbin, d.adrelid) NOT LIKE '%nextval(%', true)) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm')`,
  )
  for (const { schema, name, columns } of rows) {
    const shown = displayName(schema, name)
    if (!names.includes(shown)) continue
    const table = qualified(schema, name)
    const whole = await rowsOf(ask, table, columns ?? [])
    const known = like?.tables.get(shown)
    const same = known !== undefined && known.rows === whole.rows && known.hash === whole.hash
    states.set(shown, { ...whole, columns: same ? known.columns : await columnsOf(ask, table, columns ?? []) })
  }
  return states
}

/** Names of columns are part of it: rows of other columns are other rows. Hashed twice, since the first is linear. */
async function rowsOf(ask: Ask, table: string, columns: readonly Column[]) {
  const values = columns.map(({ name, plain: asItIs, text }) => {
    const column = quoteIdentifier(name)
    return asItIs ? column : `${text ? column : `${column}::text`} COLLATE "C"`
  })
  const hash =
    values.length === 0
      ? "'none'"
      : `sum(hashfloat8extended(hash_record_extended(ROW(${values.join(', ')}), 0)::float8, 0))::text`
  const rows = await ask<{ readonly rows: number; readonly hash: string | null }>(
    `SELECT count(*)::float8 AS rows, ${hash} AS hash FROM ${table}`,
  )
  const [row] = rows
  return { rows: row?.rows ?? 0, hash: JSON.stringify([columns.map(({ name }) => name), row?.hash ?? null]) }
}

async function columnsOf(ask: Ask, table: string, columns: readonly Column[]) {
  if (columns.length === 0) return new Map<string, string>()
  const sums = columns.map(
    ({ name }, at) => `sum(hashtextextended(${quoteIdentifier(name)}::text, 0)::numeric)::text AS c${at}`,
  )
  const rows = await ask<Readonly<Record<string, string | null>>>(`SELECT ${sums.join(', ')} FROM ${table}`)
  return new Map(columns.map(({ name }, at) => [name, rows[0]?.[`c${at}`] ?? '']))
}

/** How `is` differs from `was`, in words without any value, sorted; what is in `noise` by those words is left out. */
export function differencesOf(was: DatabaseState, is: DatabaseState, noise: readonly string[] = []): readonly string[] {
  const found: string[] = []
  for (const name of new Set([...was.objects.keys(), ...is.objects.keys()])) {
    const [one, other] = [was.objects.get(name), is.objects.get(name)]
    if (one === other) continue
    found.push(
      one === undefined
        ? `${name} is there besides`
        : other === undefined
          ? `${name} is missing`
          : `${name} is different`,
    )
  }
  for (const [name, one] of was.tables) {
    const other = is.tables.get(name)
    if (other === undefined) continue
    if (one.rows !== other.rows) found.push(`${name} has ${other.rows} rows instead of ${one.rows}`)
    // A column that came or went is told by its definition.
    const common = [...one.columns].filter(([column]) => other.columns.has(column))
    const changed = common.filter(([column, hash]) => other.columns.get(column) !== hash)
    for (const [column] of changed) found.push(`${name}(${column}) holds other values`)
    const isSame = common.length === one.columns.size && common.length === other.columns.size
    if (isSame && one.rows === other.rows && changed.length === 0 && one.hash !== other.hash)
      found.push(`${name} holds the same values in other rows`)
  }
  return found.filter((difference) => !noise.includes(difference)).sort(compareText)
}

/** Rows ever written to each table of the database, by Postgres' count: tells which tables a run has written to. */
export async function writtenSoFar(database: Database): Promise<ReadonlyMap<string, number>> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight state' })
  const { rows } = await session.query<{ readonly schema: string; readonly name: string; readonly written: number }>(
    `SELECT schemaname AS schema, relname AS name, (n_tup_ins + n_tup_upd + n_tup_del)::float8 AS written
     FROM pg_stat_user_tables WHERE schemaname NOT LIKE 'pg\\_%'`,
  )
  return new Map(rows.map(({ schema, name, written }) => [displayName(schema, name), written]))
}
