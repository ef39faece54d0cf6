import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'

/** A type as clients meet it: what a domain stands for, with its modifier. */
export type ApiType = {
  /** As Postgres writes it: `character varying(20)`. */
  readonly name: string
  /** Name in the catalogue, `_` in front for an array: `varchar`. */
  readonly base: string
  readonly kind: 'base' | 'enum' | 'composite' | 'range'
  /** Of an enum (or of the elements of an array), in order; `enum` is its `schema.name`. */
  readonly labels: readonly string[]
  readonly enum?: string
}

type RawType = {
  readonly oid: number
  readonly base: number
  readonly typmod: number
  readonly name: string
  readonly schema: string
  readonly kind: string
  readonly element: number
  readonly labels: string[] | null
}

/** Every type of the database, once: by oid and modifier. */
export async function takeTypes(connection: Connection): Promise<(oid: number, typmod: number) => ApiType> {
  const { rows } = await connection.query<RawType>(typesQuery)
  const byOid = new Map(rows.map((row) => [row.oid, row]))
  const cache = new Map<string, ApiType>()
  return (oid, typmod) => {
    const key = `${oid}/${typmod}`
    const known = cache.get(key) ?? describe(byOid, oid, typmod)
    cache.set(key, known)
    return known
  }
}

function describe(types: ReadonlyMap<number, RawType>, oid: number, typmod: number): ApiType {
  const given = types.get(oid)
  const type = types.get(given?.base ?? 0)
  if (given === undefined || type === undefined) return { name: 'unknown', base: 'unknown', kind: 'base', labels: [] }
  const element = types.get(types.get(type.element)?.base ?? 0)
  const told = element ?? type
  const modifier = modifierOf(told.name, given.base === given.oid ? typmod : given.typmod)
  return {
    name: `${told.kind === 'e' || told.kind === 'c' ? displayName(told.schema, told.name) : told.name}${modifier}${element === undefined ? '' : '[]'}`,
    base: element === undefined ? type.name : `_${element.name}`,
    kind: kinds[told.kind] ?? 'base',
    labels: told.labels ?? [],
    ...(told.kind === 'e' ? { enum: displayName(told.schema, told.name) } : {}),
  }
}

const kinds: Readonly<Record<string, ApiType['kind']>> = { e: 'enum', c: 'composite', r: 'range', m: 'range' }

function modifierOf(base: string, typmod: number): string {
  if (typmod < 0) return ''
  if (base === 'varchar' || base === 'bpchar') return `(${typmod - 4})`
  if (base === 'numeric') return `(${((typmod - 4) >> 16) & 65535},${(typmod - 4) & 2047})`
  return ''
}

/** What JSON says for a value of the type. */
type JsonKind = 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'any' | 'string' | 'nothing'

export function jsonOf({ base, kind }: Pick<ApiType, 'base' | 'kind'>): JsonKind {
  if (base.startsWith('_')) return 'array'
  if (kind === 'composite' || base === 'record') return 'object'
  return jsonKinds[base] ?? 'string'
}

const jsonKinds: Readonly<Record<string, JsonKind>> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  float4: 'number',
  float8: 'number',
  numeric: 'number',
  bool: 'boolean',
  json: 'any',
  jsonb: 'any',
  void: 'nothing',
}

/**
 * Why clients that read and write a value of `from` may fail or misread one of `to`; undefined when they cannot tell, or
 * when it takes as much and more. Whether moments stay the same is for the dates to tell. Pure.
 */
export function narrowed(from: ApiType, to: ApiType): string | undefined {
  if (from.base.startsWith('_') && to.base.startsWith('_')) {
    return narrowed(elementOf(from), elementOf(to))
  }
  const was = jsonOf(from)
  const is = jsonOf(to)
  if (was !== is && !(was === 'integer' && is === 'number')) return `it is told as ${is} instead of ${was}`
  if (from.name === to.name) return undefined
  const less = `it takes less: ${to.name} instead of ${from.name}`
  const [wide, narrow] = [ranks[from.base], ranks[to.base]]
  if (wide !== undefined && narrow !== undefined && narrow < wide) return less
  if (from.base === 'numeric' && to.base === 'numeric') return isNarrowerNumeric(from.name, to.name) ? less : undefined
  if (was !== 'string' || is !== 'string') return undefined
  if (isFree(to)) return (lengthOf(to) ?? Infinity) < (lengthOf(from) ?? Infinity) && isFree(from) ? less : undefined
  if (isMoment(from) && isMoment(to)) return undefined
  if (from.kind === 'enum' && to.kind === 'enum' && from.enum !== to.enum)
    return from.labels.every((label) => to.labels.includes(label)) ? undefined : less
  return from.base === to.base ? undefined : less
}

const elementOf = (type: ApiType): ApiType => ({
  ...type,
  base: type.base.slice(1),
  name: type.name.replace(/\[\]$/, ''),
})

const ranks: Readonly<Record<string, number>> = { int2: 1, int4: 2, int8: 3, float4: 4, float8: 5, numeric: 5 }
const isFree = ({ base }: ApiType) => ['text', 'varchar', 'bpchar', 'citext', 'name'].includes(base)
const isMoment = ({ base }: ApiType) => /^(date|timestamp|timestamptz|time|timetz)$/.test(base)

function lengthOf({ name }: ApiType): number | undefined {
  const length = /\((\d+)\)$/.exec(name)?.[1]
  return length === undefined ? undefined : Number(length)
}

function isNarrowerNumeric(from: string, to: string): boolean {
  const [, precision, scale] = /\((\d+),(\d+)\)$/.exec(to) ?? []
  if (precision === undefined || scale === undefined) return false
  const [, wide, fine] = /\((\d+),(\d+)\)$/.exec(from) ?? []
  if (wide === undefined || fine === undefined) return true
  return Number(scale) < Number(fine) || Number(precision) - Number(scale) < Number(wide) - Number(fine)
}

const typesQuery = `
WITH RECURSIVE resolved (oid, base, typmod) AS (
  SELECT oid, oid, -1 FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, r.base, CASE WHEN d.typtypmod >= 0 THEN d.typtypmod ELSE r.typmod END
  FROM pg_type d JOIN resolved r ON d.typbasetype = r.oid WHERE d.typtype = 'd'
)
SELECT r.oid::bigint::float8 AS oid, r.base::bigint::float8 AS base, r.typmod, t.typname AS name, n.nspname AS schema, t.typtype AS kind,
  (CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END)::bigint::float8 AS element,
  (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
FROM resolved r JOIN pg_type t ON t.oid = r.base JOIN pg_namespace n ON n.oid = t.typnamespace`
