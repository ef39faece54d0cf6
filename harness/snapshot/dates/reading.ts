import { quoteLiteral } from '../../database/identifiers.ts'
import { comparable, reference, text } from '../ledger/image.ts'
import type { Side } from '../ledger/layout.ts'
import type { DatePair, DateTable, Moment, MomentBase } from './columns.ts'

/** How the rows of one side of a table are read. */
export type Reading = {
  /** Hash of what names the row: its key without the dates in it; without a key, all that is no date. */
  readonly keyHash: string
  /** Hash of the key and of every moment. */
  readonly rowHash: string
  /** Each moment as text: microseconds since 1970, several of them with commas; NULL where there is none. */
  readonly moments: readonly string[]
}

/**
 * How both sides of a table are read. `zone` is where a time without a zone is taken to be, when the other side has a
 * zone: the time zone in which the Data API reads and writes on before, on the platform UTC. Pure.
 */
export function readingOf(table: DateTable, side: Side, server: number, zone: string): Reading {
  const keyHash = hashOf(keyParts(table, side, server))
  const moments = table.columns.map((column) => momentsOf(column, side, zone))
  const fields = table.columns.map((column, index) =>
    column.retyped ? `(${moments[index]}) COLLATE "C"` : reference(column[side]),
  )
  return { keyHash, moments, rowHash: `hash_record_extended(ROW(${[keyHash, ...fields].join(', ')}), 0)` }
}

const hashOf = (parts: readonly string[]) =>
  parts.length === 0
    ? '0::bigint'
    : `hash_record_extended(ROW(${parts.map((part) => `(${part}) COLLATE "C"`).join(', ')}), 0)`

function keyParts({ pair, columns }: DateTable, side: Side, server: number): readonly string[] {
  const dates = new Set(columns.map((column) => column[side].name))
  const named = pair.key?.[side] ?? pair.common.map((columns) => columns[side].name)
  return named
    .filter((name) => !dates.has(name))
    .map((name) => {
      const columns = pair.common.find((common) => common[side].name === name)
      if (columns === undefined) return `${reference({ name })}::text`
      return columns.before.type === columns.after.type
        ? text(columns[side])
        : comparable(columns.before, columns.after, server)[side]
    })
}

function momentsOf({ before, after, reads, retyped }: DatePair, side: Side, zone: string): string {
  const value = reference(side === 'before' ? before : after)
  const moment = reads[side]
  if (moment === 'text') return textMoment(value)
  const at = (expression: string, base = moment.base) => micros(expression, base, retyped ? zone : 'UTC')
  return `CASE WHEN ${value} IS NOT NULL THEN ${ofShape(value, moment, at)} END`
}

function ofShape(value: string, { shape, base }: Moment, at: (expression: string, base?: MomentBase) => string) {
  const bounds = (range: string) =>
    `coalesce(${at(`lower(${range})`, base)}, '') || ',' || coalesce(${at(`upper(${range})`, base)}, '')`
  switch (shape) {
    case 'single':
      return at(value)
    case 'range':
      return bounds(value)
    case 'array':
      return `coalesce((SELECT string_agg(coalesce(${at('part.value')}, ''), ',' ORDER BY part.place) FROM unnest(${value}) WITH ORDINALITY AS part (value, place)), '')`
    case 'multirange':
      return `coalesce((SELECT string_agg(${bounds('part.value')}, ',' ORDER BY part.value) FROM unnest(${value}) AS part (value)), '')`
  }
}

function micros(expression: string, base: MomentBase, zone: string): string {
  const since = (moment: string) => `trim_scale(extract(epoch FROM ${moment}) * 1000000)::text`
  if (base === 'time' || base === 'timetz') return since(expression)
  const zoned =
    zone === 'UTC' || base === 'timestamptz'
      ? expression
      : `(${expression})${base === 'date' ? '::timestamp' : ''} AT TIME ZONE ${quoteLiteral(zone)}`
  return `CASE WHEN isfinite(${expression}) THEN ${since(zoned)} ELSE (${expression})::text END`
}

/** Words such as "today" are read anew each day: only what starts with a figure is a date that was written down. */
function textMoment(value: string): string {
  const moment = `(${value}::timestamptz)`
  return `CASE WHEN ${value} ~ '^\\s*\\d' AND pg_input_is_valid(${value}, 'timestamptz') THEN ${micros(moment, 'timestamptz', 'UTC')} END`
}
