import type { Connection } from '../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import { type Exposed, readExposed, relationSql } from '../access/exposed.ts'
import { impersonate } from '../access/impersonate.ts'
import type { Identity } from '../identities.ts'

/** One read as supabase-js sends it, by one identity. */
export type Query = {
  /** `public.tasks` */
  readonly relation: string
  /** For people: `.eq('event_id', …)`. Values stay out. */
  readonly shape: string
  /** The SQL that PostgREST makes of it, with the values. Never print it. */
  readonly sql: string
  /** Where it comes from, if it is none of the plain reads. One of the config must be answered on both sides. */
  readonly origin?: 'config' | 'capture'
  /** Of a captured one: its text, without constants. */
  readonly text?: string
}

/** Relations that both sides have, with what the workload needs of their columns. */
export type ReadableRelation = Exposed & { readonly references: readonly string[]; readonly newest: string | undefined }

/** Columns by which a table is filtered, at most so many. */
const mostReferences = 4

const timestamps = ['created_at', 'inserted_at', 'sent_at', 'updated_at']

/** Exposed relations of both sides that hold the app's rows, with only the columns that both have. */
export async function readableRelations(before: Connection, after: Connection): Promise<ReadableRelation[]> {
  const roles = ['anon', 'authenticated', 'service_role']
  const [old, now] = await Promise.all([readExposed(before, roles), readExposed(after, roles)])
  const later = new Map(now.relations.map((relation) => [relation.name, relation]))
  const { rows } = await before.query<{ oid: number; column: string; foreign: boolean; time: boolean }>(
    `select a.attrelid::int as oid, a.attname::text as column, a.atttypid = 'timestamptz'::regtype as time,
       exists (select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'f' and k.conkey = array[a.attnum]) as foreign
     from pg_attribute a where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`,
    [old.relations.map(({ oid }) => oid)],
  )
  return old.relations.flatMap((relation) => {
    const twin = later.get(relation.name)
    if (twin === undefined || relation.schema === 'storage') return []
    const columns = relation.columns.filter((column) => twin.columns.includes(column))
    const own = rows.filter(({ oid, column }) => oid === relation.oid && columns.includes(column))
    const references = own
      .filter(({ foreign, column }) => foreign || column.endsWith('_id'))
      .map(({ column }) => column)
    const times = own.filter(({ time }) => time).map(({ column }) => column)
    return [
      {
        ...relation,
        columns,
        references: references.slice(0, mostReferences),
        newest: timestamps.find((column) => times.includes(column)) ?? times[0],
      },
    ]
  })
}

/**
 * The plain reads of every relation, as `identity` would send them, inside a transaction that impersonates it: by key and
 * by each reference, with the values of a row that it sees; the newest 50; a page with its exact count. `whole` chooses
 * which of the last two, that read the whole table, are made.
 */
export async function workload(
  session: Connection,
  relations: readonly ReadableRelation[],
  identity: Identity,
  whole: readonly ('newest' | 'count')[],
): Promise<Query[]> {
  const queries: Query[] = []
  for (const relation of relations) {
    if ((relation.grants[identity.role]?.select.length ?? 0) < relation.columns.length) continue
    const row = await visibleRow(session, relation, identity)
    const query = (shape: string, options: Parameters<typeof postgrestSql>[1]) =>
      queries.push({ relation: relation.name, shape, sql: postgrestSql(relation, options) })
    const key = relation.key.unique && relation.key.columns.length <= 2 ? relation.key.columns : []
    for (const columns of [key, ...relation.references.map((column) => [column])]) {
      const values = columns.map((column) => row?.[column])
      if (columns.length === 0 || !values.every((value) => value !== null && value !== undefined)) continue
      const filters = columns.map(
        (column, index) => `${quoteIdentifier(column)} = ${quoteLiteral(values[index] ?? '')}`,
      )
      query(columns.map((column) => `.eq('${column}', …)`).join(''), { filters, limit: 1_000 })
    }
    const { newest } = relation
    if (newest !== undefined && whole.includes('newest')) {
      const order = `${quoteIdentifier(newest)} desc`
      query(`.order('${newest}', { ascending: false }).limit(50)`, { order, limit: 50 })
    }
    if (whole.includes('count')) query(`.select('*', { count: 'exact' }).range(0, 49)`, { limit: 50, count: true })
  }
  return queries
}

/** Values, as text, of the first row that the identity sees; of any row where it sees none. */
async function visibleRow(
  session: Connection,
  relation: ReadableRelation,
  identity: Identity,
): Promise<Readonly<Record<string, string | null>> | undefined> {
  const columns = [...new Set([...relation.key.columns, ...relation.references])]
  const list = columns.map((column) => `${quoteIdentifier(column)}::text as ${quoteIdentifier(column)}`).join(', ')
  const sql = `select ${list} from ${relationSql(relation)} limit 1`
  await session.query('begin read only')
  try {
    for (const setUp of [impersonate(identity), `set local role none`]) {
      await session.query(`${setUp}; savepoint probe`)
      const { rows } = await session.query<Record<string, string | null>>(sql).catch(async () => {
        await session.query('rollback to savepoint probe')
        return { rows: [] }
      })
      if (rows[0]) return rows[0]
    }
    return undefined
  } finally {
    await session.query('rollback')
  }
}

type Options = {
  readonly filters?: readonly string[]
  readonly order?: string
  readonly limit: number
  readonly count?: boolean
}

/** As PostgREST writes it: the page as one JSON text, and the exact count beside it when asked for. */
function postgrestSql(relation: ReadableRelation, { filters = [], order, limit, count }: Options): string {
  const table = relationSql(relation)
  const where = filters.length > 0 ? `where ${filters.join(' and ')}` : ''
  const page = `select ${table}.* from ${table} ${where} ${order ? `order by ${order}` : ''} limit ${limit} offset 0`
  const counted = count ? `, pgrst_source_count as (select 1 from ${table} ${where})` : ''
  const total = count ? '(select pg_catalog.count(*) from pgrst_source_count)' : 'null::bigint'
  return `with pgrst_source as (${page})${counted} select ${total} as total_result_set, pg_catalog.count(_postgrest_t) as page_total,
    coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) _postgrest_t`
}
