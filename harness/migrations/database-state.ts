import type { Connection, Database } from '../database/engine.ts'
import { displayName, qualified, quoteIdentifier } from '../database/identifiers.ts'
import { compareText } from './order.ts'

/** What a database holds, by names, so that two databases can be compared: hashes of definitions, and of columns of tables. */
export type DatabaseState = {
  /** `index public.tasks_event` → hash of its definition. */
  readonly objects: ReadonlyMap<string, string>
  readonly tables: ReadonlyMap<string, TableState>
}

export type TableState = { readonly rows: number; readonly columns: ReadonlyMap<string, string> }

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
 * Reads the definitions of all objects, and of `tables` (`public.tasks`) the count and a hash of each column's values
 * whatever their order. Columns that count up by themselves have no hash. Throws `database.failed`.
 */
export async function takeState(database: Database, tables: readonly string[]): Promise<DatabaseState> {
  await using session = await database.connect({ readOnly: true, applicationName: 'greenlight state' })
  // Names in definitions are written with their schemas.
  await session.query("SET search_path = ''; SET quote_all_identifiers = off")
  const { rows } = await session.query<{ readonly name: string; readonly hash: string }>(
    `SELECT name, md5(string_agg(coalesce(definition, ''), E'\\n' ORDER BY definition)) AS hash
     FROM (${definitions}) AS all_objects (name, definition) GROUP BY name`,
  )
  return {
    objects: new Map(rows.map(({ name, hash }) => [name, hash])),
    tables: await tableStates(session, tables),
  }
}

type ColumnRow = { readonly schema: string; readonly name: string; readonly columns: readonly string[] | null }

async function tableStates(session: Connection, names: readonly string[]): Promise<ReadonlyMap<string, TableState>> {
  const states = new Map<string, TableState>()
  if (names.length === 0) return states
  const { rows } = await session.query<ColumnRow>(
    `SELECT n.nspname AS schema, c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
          AND coalesce(pg_get_expr(d.adbin, d.adrelid) NOT LIKE '%nextval(%', true)) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm')`,
  )
  for (const { schema, name, columns } of rows) {
    const shown = displayName(schema, name)
    if (!names.includes(shown)) continue
    const hashes = (columns ?? []).map(
      (column, at) => `sum(hashtextextended(${quoteIdentifier(column)}::text, 0)::numeric)::text AS c${at}`,
    )
    const { rows: sums } = await session.query<Readonly<Record<string, string | null>>>(
      `SELECT ${['count(*)::text AS rows', ...hashes].join(', ')} FROM ${qualified(schema, name)}`,
    )
    const [sum] = sums
    states.set(shown, {
      rows: Number(sum?.rows ?? 0),
      columns: new Map((columns ?? []).map((column, at) => [column, sum?.[`c${at}`] ?? ''])),
    })
  }
  return states
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
    for (const [column, hash] of one.columns) {
      const now = other.columns.get(column)
      // A column that came or went is told by its definition.
      if (now !== undefined && now !== hash) found.push(`${name}(${column}) holds other values`)
    }
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
