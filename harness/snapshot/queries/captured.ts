import { createHash } from 'node:crypto'
import type { Connection } from '../../database/engine.ts'
import { quoteLiteral } from '../../database/identifiers.ts'
import type { Identity } from '../identities.ts'
import { asPage } from './functions.ts'
import { sampleRow } from './sample-row.ts'
import type { Query } from './workload.ts'

/** One of production's costliest statements, its constants taken out: `select … where owner_id = $1`. */
export type CapturedQuery = {
  readonly query: string
  /** Who sent it; captures of before this was noted do not say. */
  readonly role?: string | undefined
}

/** A captured statement that is not asked, and why. */
export type NotAsked = { readonly name: string; readonly reason: string }

/** Its own name, the same in every run: the text has no better one. */
export function nameOf({ query }: CapturedQuery): string {
  return `captured query ${createHash('md5').update(query).digest('hex').slice(0, 8)}`
}

/** Its text for a report. Constants are taken out already; a number that was left is anybody's. */
export function showText({ query }: CapturedQuery): string {
  const text = query.replace(/\s+/g, ' ').trim()
  const safe = text.replace(/"(?:[^"]|"")*"|\$\d+|\b\d+(?:\.\d+)?\b/g, (part) => (/^\d/.test(part) ? '…' : part))
  return safe.length > 300 ? `${safe.slice(0, 300)} …` : safe
}

/** Volatile, but nothing that they do outlives the call. */
const harmless = new Set(['clock_timestamp', 'gen_random_uuid', 'random', 'timeofday', 'uuid_generate_v4'])

/**
 * Why these statements are not to be sent at all: they write, or call what may. The transaction is read-only besides, so
 * that what this does not see the server refuses.
 */
export async function unsafe(
  session: Connection,
  captured: readonly CapturedQuery[],
): Promise<ReadonlyMap<CapturedQuery, string>> {
  const called = captured.map(({ query }) => functionNames(query))
  const { rows } = await session.query<{ name: string }>(
    `select distinct proname::text as name from pg_proc where provolatile = 'v' and proname::text = any ($1)`,
    [[...new Set(called.flat())]],
  )
  const volatile = new Set(rows.map(({ name }) => name).filter((name) => !harmless.has(name)))
  return new Map(
    captured.flatMap((one, index): [CapturedQuery, string][] => {
      if (
        !/^\s*(select|with)\b/i.test(one.query) ||
        /\b(insert\s+into|delete\s+from|merge\s+into)\b/i.test(one.query)
      ) {
        return [[one, 'it writes']]
      }
      const calls = called[index]?.find((name) => volatile.has(name))
      return calls === undefined ? [] : [[one, `it calls ${calls}, which says of itself that it may write (volatile)`]]
    }),
  )
}

function functionNames(query: string): readonly string[] {
  return [...query.matchAll(/(?:"((?:[^"]|"")+)"|([A-Za-z_][\w$]*))\s*\(/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '',
  )
}

/**
 * The statement with a value in each place that its constants were taken from: of a column that the plan compares it with,
 * the value of a row that `identity` sees; else a made-up one of the type. Asked within the open transaction that
 * impersonates it, behind the savepoint `query`; undone where it fails.
 */
export async function withValues(
  session: Connection,
  captured: CapturedQuery,
  identity: Identity,
): Promise<Query | NotAsked> {
  const name = nameOf(captured)
  // `interval '1 day'` is written `interval $1`, which nobody can parse.
  const text = captured.query
    .replace(/;\s*$/, '')
    .replace(/\b(interval|date|time|timestamp|timestamptz)\s+(\$\d+)/gi, '($2::$1)')
  try {
    await session.query(`prepare greenlight_captured as ${text}`)
    const { rows } = await session.query<{ types: string[] }>(
      `select parameter_types::text[] as types from pg_prepared_statements where name = 'greenlight_captured'`,
    )
    const types = rows[0]?.types ?? []
    const compared = types.length > 0 ? await comparedColumns(session, types.length) : new Map<number, Compared>()
    const samples = await sampleRow(session, identity, [...compared.values()])
    await session.query('rollback to savepoint query')
    const values = types.map((type, index) => {
      const column = compared.get(index + 1)
      const value = column && samples.get(column)
      const isCount = new RegExp(`\\b(limit|fetch\\s+(first|next))\\s+\\$${index + 1}\\b`, 'i').test(text)
      const isOffset = new RegExp(`\\boffset\\s+\\$${index + 1}\\b`, 'i').test(text)
      if (isCount || isOffset) return `${quoteLiteral(isCount ? '50' : '0')}::bigint`
      if (value === undefined) return madeUp(type)
      return type.endsWith('[]') ? `array[${quoteLiteral(value)}]::${type}` : `${quoteLiteral(value)}::${type}`
    })
    const sql = text.replace(/"(?:[^"]|"")*"|\$(\d+)/g, (part, number) =>
      number === undefined ? part : `(${values[Number(number) - 1] ?? 'null'})`,
    )
    return {
      relation: name,
      shape: 'its SQL',
      // As PostgREST sends it it makes a page already, whose rows are counted.
      sql: /\bpgrst_source\b/.test(sql) ? sql : asPage(sql),
      origin: 'capture',
      text: showText(captured),
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5)) {
      throw error
    }
    await session.query('rollback to savepoint query')
    return { name, reason: `it cannot be prepared before the migrations (SQLSTATE ${error.code})` }
  } finally {
    // A prepared statement outlives the savepoint. What broke the session is told by the error above.
    await session.query('deallocate all').catch(() => undefined)
  }
}

/** A column that a parameter is compared with. */
export type Compared = { readonly schema: string; readonly table: string; readonly column: string }

type PlanNode = { readonly [key: string]: unknown; readonly Plans?: readonly PlanNode[] }

/** What the plan for any values compares each parameter with, by its number. */
async function comparedColumns(session: Connection, parameters: number): Promise<ReadonlyMap<number, Compared>> {
  await session.query('set local plan_cache_mode = force_generic_plan')
  const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (verbose, format json) execute greenlight_captured (${Array(parameters).fill('null').join(', ')})`,
  )
  const plan = rows[0]?.['QUERY PLAN'][0].Plan
  return plan === undefined ? new Map() : columnsOf(plan)
}

const identifier = '("(?:[^"]|"")+"|[A-Za-z_][\\w$]*)'
const cast = '(?:\\)?::[\\w ]+(?:\\[\\])?)?\\)*'
const operator = '[-+*/<>=~!@#%^&|`?]+'
const columnFirst = new RegExp(`\\(*${identifier}\\.${identifier}${cast} ${operator} (?:ANY )?\\(*\\$(\\d+)`, 'g')
const parameterFirst = new RegExp(`\\$(\\d+)${cast} ${operator} \\(*${identifier}\\.${identifier}`, 'g')

/** Reads the conditions of a plan (EXPLAIN VERBOSE): `(events.owner_id = $1)`. Pure. */
export function columnsOf(plan: PlanNode): ReadonlyMap<number, Compared> {
  const all: PlanNode[] = []
  const collect = (node: PlanNode): void => {
    all.push(node)
    for (const child of node.Plans ?? []) collect(child)
  }
  collect(plan)
  const tables = new Map<string, { readonly schema: string; readonly table: string }>()
  for (const { Alias: alias, Schema: schema, 'Relation Name': table } of all) {
    if (typeof alias === 'string' && typeof schema === 'string' && typeof table === 'string') {
      tables.set(alias, { schema, table })
    }
  }
  const found = new Map<number, Compared>()
  const note = (alias: string | undefined, column: string | undefined, parameter: string | undefined) => {
    const table = tables.get(unquoted(alias ?? ''))
    const number = Number(parameter)
    if (table !== undefined && column !== undefined && !found.has(number)) {
      found.set(number, { ...table, column: unquoted(column) })
    }
  }
  for (const node of all) {
    for (const [key, condition] of Object.entries(node)) {
      if (!/(Cond|Filter)$/.test(key) || typeof condition !== 'string') continue
      for (const [, alias, column, parameter] of condition.matchAll(columnFirst)) note(alias, column, parameter)
      for (const [, parameter, alias, column] of condition.matchAll(parameterFirst)) note(alias, column, parameter)
    }
  }
  return found
}

const unquoted = (name: string) => name.replace(/^"(.*)"$/, '$1').replaceAll('""', '"')

/** A value of the type that says nothing of anybody. */
function madeUp(type: string): string {
  if (type.endsWith('[]')) return `'{}'::${type}`
  if (/^(text|character varying|name|character|citext|"char")/.test(type)) return `'x'::${type}`
  if (/^(smallint|integer|bigint|numeric|real|double precision)/.test(type)) return `1::${type}`
  if (type === 'boolean') return 'true'
  if (type === 'uuid') return `'00000000-0000-0000-0000-000000000000'::uuid`
  if (/^jsonb?$/.test(type)) return `'{}'::${type}`
  if (/^(date|timestamp)/.test(type)) return `'2000-01-01'::${type}`
  if (type === 'interval') return `'1 day'::interval`
  return `null::${type}`
}
