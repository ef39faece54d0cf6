import { quoteIdentifier } from '../../database/identifiers.ts'
import type { LedgerColumn } from './catalog.ts'

/** The alias under which every query of the ledger reads a row. */
export const rowAlias = 'ledger_row'

type Typed = Pick<LedgerColumn, 'name' | 'base' | 'builtIn' | 'hasTypmod' | 'deterministic' | 'type'>

export function reference(column: Pick<LedgerColumn, 'name'>): string {
  return `${rowAlias}.${quoteIdentifier(column.name)}`
}

/**
 * The value as a field of the record that is hashed for the whole row: itself, where equal for Postgres means identical,
 * else an image that also tells 1.50 from 1.5, `Ab` from `ab` as citext, and -0 from 0.
 */
export function image(column: Typed): string {
  const value = reference(column)
  if (!column.builtIn) return `${value}::text`
  if (textual.has(column.base)) return column.deterministic ? value : `textsend(${value}::text)`
  if (exact.has(column.base)) return value
  if (column.base === 'numeric') return column.hasTypmod ? value : `numeric_send(${value})`
  if (column.base === 'float8' || column.base === 'float4') return `${column.base}send(${value})`
  if (column.base === 'interval') return `interval_send(${value})`
  return `${value}::text`
}

/** The value as text, the same on both sides when, and only when, it is the same value in the same type. */
export function text(column: Typed): string {
  return `${reference(column)}::text`
}

/** The value as a text that it keeps when it moves into a column of a kindred type: json to jsonb, integer to numeric, date to timestamptz. */
export function looseText(column: Typed, server: number): string {
  const value = reference(column)
  switch (column.base) {
    case 'json':
      return server >= 160_000
        ? `CASE WHEN pg_input_is_valid(${value}::text, 'jsonb') THEN ${value}::jsonb::text ELSE ${value}::text END`
        : `${value}::text`
    case 'numeric':
      return `trim_scale(${value})::text`
    case 'date':
      return `${value}::text || ' 00:00:00+00'`
    case 'timestamp':
      return `${value}::text || '+00'`
    default:
      return `${value}::text`
  }
}

/**
 * For a column whose type changed: texts that are equal on both sides when the value survived. Never a cast to a narrower
 * type: 12.7 that became 12, a text cut to ten characters and a timestamp cut to a day must differ.
 */
export function comparable(
  before: Typed,
  after: Typed,
  server: number,
): { readonly before: string; readonly after: string } {
  if (before.base === after.base && before.builtIn && after.builtIn && before.base !== 'numeric') {
    return { before: text(before), after: text(after) }
  }
  const same = (form: (column: Typed) => string) => ({ before: form(before), after: form(after) })
  if (numbers.has(before.base) && numbers.has(after.base)) {
    if (floats.has(before.base) && floats.has(after.base)) return same((column) => `${reference(column)}::float8::text`)
    return same((column) => `trim_scale(${text(column)}::numeric)::text`)
  }
  if (moments.has(before.base) && moments.has(after.base)) return same((column) => looseText(column, server))
  if (json.has(before.base) && json.has(after.base)) return same((column) => looseText(column, server))
  if (integers.has(before.base) && after.base === 'bool')
    return { before: text(before), after: `${reference(after)}::int::text` }
  if (before.base === 'bool' && integers.has(after.base))
    return { before: `${reference(before)}::int::text`, after: text(after) }
  if (isText(before) && readable.has(after.base)) return { before: readAs(before, after, server), after: text(after) }
  if (isText(after) && readable.has(before.base)) return { before: text(before), after: readAs(after, before, server) }
  return same(text)
}

/** A text column as the text of what it says in another type; as it is where it says nothing in that type. */
function readAs(column: Typed, type: Typed, server: number): string {
  if (server < 160_000) return text(column)
  return `CASE WHEN pg_input_is_valid(${text(column)}, '${type.base}') THEN ${text(column)}::${type.base}::text ELSE ${text(column)} END`
}

const isText = (column: Typed) => textual.has(column.base) || column.base === 'bpchar' || column.base === 'citext'

const textual: ReadonlySet<string> = new Set(['text', 'varchar'])
const integers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8'])
const floats: ReadonlySet<string> = new Set(['float4', 'float8'])
const numbers: ReadonlySet<string> = new Set([...integers, ...floats, 'numeric'])
const moments: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz'])
const json: ReadonlySet<string> = new Set(['json', 'jsonb'])
const readable: ReadonlySet<string> = new Set([
  ...numbers,
  ...moments,
  ...json,
  'uuid',
  'bool',
  'inet',
  'interval',
  'time',
  'timetz',
])

/** Types whose hash tells any two different values apart. bpchar: padded to its length, so that equal is identical. */
const exact: ReadonlySet<string> = new Set([
  ...integers,
  'bool',
  'oid',
  'uuid',
  'name',
  'char',
  'bpchar',
  'bytea',
  'date',
  'time',
  'timetz',
  'timestamp',
  'timestamptz',
  'inet',
  'cidr',
  'macaddr',
  'macaddr8',
  'pg_lsn',
  'xid8',
])

/** Whether equal bytes are equal values whatever else the database holds: built-in types that refer to nothing in a catalogue, and arrays of them. */
export function keepsItsBytes(column: Pick<LedgerColumn, 'base' | 'builtIn'>): boolean {
  const base = column.base.replace(/^_/, '')
  return column.builtIn && (exact.has(base) || textual.has(base) || json.has(base) || selfContained.has(base))
}

const selfContained: ReadonlySet<string> = new Set([
  'numeric',
  ...floats,
  'interval',
  'bit',
  'varbit',
  'xml',
  'point',
  'tsvector',
  'int4range',
  'int8range',
  'numrange',
  'daterange',
  'tsrange',
  'tstzrange',
])
