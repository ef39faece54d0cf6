import type { Connection, Database } from '../../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { Identity } from '../identities.ts'
import { type Argument, type Given, givenFor, readKeyColumns, type Source } from './definer-arguments.ts'
import { exposedSchemas } from './exposed.ts'
import { impersonate } from './impersonate.ts'

/**
 * A call with arguments: with ids of rows that the caller sees (`own`), of rows that neither he sees nor any row that he
 * sees names (`foreign`), or of nothing (`random`). Values are never printed.
 */
export type Case = {
  readonly kind: 'own' | 'foreign' | 'random'
  /** By argument, as text. */
  readonly values: readonly { readonly name: string; readonly type: string; readonly value: string }[]
}

/** By signature and identity. A function that is not in it needs what cannot be told from the data. */
export type Cases = ReadonlyMap<string, ReadonlyMap<Identity, readonly Case[]>>

/** Ids looked at for each column, of which the first that are foreign to a caller are given. */
const candidates = 60
const foreignEach = 3

type Called = { readonly signature: string; readonly called: string; readonly args: readonly Argument[] | null }

/** Ids come from rows that are on both sides, where their table is. Throws `database.failed`. */
export async function takeCases(
  before: Database,
  after: Database,
  functions: readonly Called[],
  callers: readonly Identity[],
): Promise<Cases> {
  const cases = new Map<string, Map<Identity, Case[]>>()
  if (functions.length === 0) return cases
  await using was = await before.connect({ readOnly: true })
  await using is = await after.connect({ readOnly: true })
  for (const session of [was, is]) await session.query(`set jit = off; set statement_timeout = 3000`)
  const columns = await readKeyColumns(is, await exposedSchemas(is))
  const known = new Map<string, Ids | undefined>()
  for (const { signature, called, args } of functions) {
    const given = args ? givenFor(called, args, columns) : undefined
    if (given === undefined) continue
    const mine = new Map<Identity, Case[]>()
    for (const identity of callers) {
      const ids = new Map<Given, Ids>()
      for (const value of given) {
        if (!('source' in value)) continue
        const key = `${JSON.stringify([value.source.schema, value.source.table, value.source.column])}${identity.role}${identity.userId}`
        if (!known.has(key)) known.set(key, await idsFor(was, is, value.source, identity))
        const found = known.get(key)
        if (found) ids.set(value, found)
      }
      if (given.every((value) => 'fixed' in value || ids.has(value))) mine.set(identity, casesOf(given, ids))
    }
    cases.set(signature, mine)
  }
  return cases
}

type Ids = { readonly own: string | undefined; readonly foreign: readonly string[]; readonly random: readonly string[] }

async function idsFor(was: Connection, is: Connection, source: Source, identity: Identity): Promise<Ids | undefined> {
  const table = qualified(source.schema, source.table)
  const column = quoteIdentifier(source.column)
  const some = await values(
    is,
    `select ${column}::text as id from ${table} where ${column} is not null group by 1 order by hashtext(${column}::text), 1 limit ${candidates}`,
  )
  if (some === undefined) return undefined
  const there = `select ${column}::text as id from ${table} where ${anyOf(source, some)}`
  const onBoth = (await isThere(was, table)) ? new Set(await values(was, there)) : new Set(some)
  const ids = some.filter((id) => onBoth.has(id))
  const named = new Set<string>(identity.userId === undefined ? [] : [identity.userId])
  for (const mention of source.mentions) {
    const seen = `select distinct ${quoteIdentifier(mention.column)}::text as id from ${qualified(mention.schema, mention.table)}`
    const found = await values(is, `${seen} where ${anyOf({ ...mention, type: source.type }, ids)}`, identity)
    // Not known is not foreign.
    if (found === undefined) return undefined
    for (const id of found) named.add(id)
  }
  const isUser = source.schema === 'auth' && source.table === 'users'
  const own = isUser
    ? identity.userId
    : (ids.find((id) => named.has(id)) ??
      (await values(is, `select ${column}::text as id from ${table} limit 1`, identity))?.[0])
  return { own, foreign: ids.filter((id) => !named.has(id)).slice(0, foreignEach), random: randomOf(source.type) }
}

function casesOf(given: readonly Given[], ids: ReadonlyMap<Given, Ids>): Case[] {
  const build = (kind: Case['kind'], choose: (of: Ids) => string | undefined): Case[] => {
    const filled = given.map((argument) => {
      const { name, type } = argument
      if ('fixed' in argument) return { name, type, value: argument.fixed }
      const of = ids.get(argument)
      const value = of && choose(of)
      return value === undefined
        ? undefined
        : { name, type, value: argument.many ? `{${JSON.stringify(value)}}` : value }
    })
    return filled.every((value) => value !== undefined) ? [{ kind, values: filled }] : []
  }
  return [
    ...build('own', ({ own }) => own),
    ...[0, 1].flatMap((at) => build('random', ({ random }) => random[at])),
    ...Array.from({ length: foreignEach }, (_, at) => at).flatMap((at) =>
      build('foreign', ({ foreign }) => foreign[at]),
    ),
  ]
}

function randomOf(type: string): readonly string[] {
  if (type === 'uuid') return ['8d3f1c52-7a40-4e19-b6d1-0f2c9a75e301', '1b9e64d7-25c8-4f03-9a7e-c4d80b36f912']
  if (type === 'smallint') return ['32611', '32719']
  return /int/.test(type) ? ['2147480071', '2147480533'] : ['no-such-value-7361', 'no-such-value-9104']
}

function anyOf({ column, type }: Pick<Source, 'column' | 'type'>, ids: readonly string[]): string {
  return `${quoteIdentifier(column)} = any (${list(ids)}::${type}[])`
}

function list(ids: readonly string[]): string {
  return `array[${ids.map((id) => quoteLiteral(id)).join(', ')}]::text[]`
}

async function isThere(session: Connection, table: string): Promise<boolean> {
  const { rows } = await session.query<{ there: boolean }>(`select to_regclass($1) is not null as there`, [table])
  return rows[0]?.there ?? false
}

/** Undefined where the query fails for another reason than a missing right; nothing where the caller may not ask. */
async function values(session: Connection, sql: string, identity?: Identity): Promise<string[] | undefined> {
  await session.query('begin read only')
  try {
    if (identity) await session.query(impersonate(identity))
    const { rows } = await session.query<{ id: string }>(sql)
    return rows.map(({ id }) => id)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).length === 5)) throw error
    return error.code === '42501' ? [] : undefined
  } finally {
    await session.query('rollback')
  }
}
