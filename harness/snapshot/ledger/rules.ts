import type { Connection } from '../../database/engine.ts'
import { displayIdentifier, displayName, qualified, quoteIdentifier } from '../../database/identifiers.ts'
import { ledgerSchema } from './schemas.ts'

/** A check or a generated column that calls a function of the app: a new body of it makes old rows break the rule. */
export type Rule = {
  readonly kind: 'rule'
  /** `public.tasks.tasks_due_check`, or `public.tasks.total` for a generated column. */
  readonly name: string
  readonly table: string
  /** Where the rows are, quoted. */
  readonly from: string
  /** True for a row that breaks it. */
  readonly broken: string
}

/** Counts the rows that break a rule. */
export function ruleSql({ from, broken }: Rule): string {
  return `SELECT count(*)::float8 AS broken FROM ${from} WHERE ${broken};`
}

/**
 * Validated checks and stored generated columns that depend on a function that is no part of Postgres. Those made of
 * built-in functions alone hold for every row that Postgres let in.
 */
export async function takeRules(connection: Connection): Promise<readonly Rule[]> {
  const { rows } = await connection.query<{
    schema: string
    table: string
    name: string
    expression: string
    generated: boolean
  }>(rulesQuery)
  return rows
    .filter(({ schema }) => ledgerSchema(schema))
    .map(({ schema, table, name, expression, generated }) => ({
      kind: 'rule',
      name: `${displayName(schema, table)}.${displayIdentifier(name)}`,
      table: displayName(schema, table),
      from: qualified(schema, table),
      broken: generated ? `${quoteIdentifier(name)} IS DISTINCT FROM (${expression})` : `NOT (${expression})`,
    }))
}

/** Functions of extensions count as Postgres' own: nobody replaces them in a migration. */
const rulesQuery = `
WITH own AS (
  SELECT p.oid FROM pg_proc p WHERE p.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
)
SELECT n.nspname AS schema, c.relname AS "table", k.conname AS name, pg_get_expr(k.conbin, k.conrelid) AS expression, false AS generated
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND k.convalidated AND k.conparentid = 0 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_depend d JOIN own ON own.oid = d.refobjid WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass)
UNION ALL
SELECT n.nspname, c.relname, a.attname, pg_get_expr(e.adbin, e.adrelid), true
FROM pg_attrdef e JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum AND a.attgenerated = 's'
JOIN pg_class c ON c.oid = e.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_depend d JOIN own ON own.oid = d.refobjid WHERE d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid AND d.refclassid = 'pg_proc'::regclass)
ORDER BY 1, 2, 3`
