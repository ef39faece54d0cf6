import { quoteIdentifier, quoteLiteral } from '../../../database/identifiers.ts'
import type { Asked, Column } from './columns.ts'

/** Of a user: what of each referenced table they see, by `schema.table.column`. */
export type Person = { readonly userId: string; readonly sees: ReadonlyMap<string, string> }

/** Values by column, each as an SQL expression. */
export type Values = ReadonlyMap<string, string>

/** The most ways in which a row is tried, and rows made for each user. */
const mostTries = 12
const mostVariants = 6

/**
 * Ways to fill a row that belongs to `person`, to be tried in their order. What may be left out is, but for what ties
 * the row to somebody and what `variant` asks for. Undefined where no value is known for a column that needs one.
 */
export function waysToFill(
  columns: readonly Column[],
  asked: ReadonlyMap<string, Asked>,
  person: Person,
  place: number,
  variant: Values,
): Values[] | undefined {
  let ways: Map<string, string>[] = [new Map()]
  for (const column of columns) {
    if (column.isGenerated) continue
    const options = variant.has(column.name)
      ? [variant.get(column.name) ?? 'null']
      : optionsFor(column, asked, person, place)
    if (options === undefined) return undefined
    if (options.length === 0) continue
    ways = ways.flatMap((way) => options.map((value) => new Map([...way, [column.name, value]]))).slice(0, mostTries)
  }
  return ways
}

/** Rows that differ in what a policy asks for: each word and each truth value once, besides the row as it comes. */
export function variantsOf(columns: readonly Column[], asked: ReadonlyMap<string, Asked>): Values[] {
  const variants = columns.flatMap((column): Values[] => {
    const question = asked.get(column.name)
    if (question === undefined || column.isGenerated || column.isUser || question.isCaller) return []
    if (column.category === 'B' && question.isNamed) {
      return ['true', 'false'].map((value) => new Map([[column.name, value]]))
    }
    // And one that is not asked for, to be refused.
    const other = [...column.labels, ...column.words].find((word) => !question.words.includes(word))
    const words = question.words.length > 0 && other !== undefined ? [...question.words, other] : question.words
    return words.map((word) => new Map([[column.name, `${quoteLiteral(word)}::${column.type}`]]))
  })
  return [new Map(), ...variants].slice(0, mostVariants)
}

/** None: it is left out. Undefined: it cannot be, and nothing is known to put there. */
function optionsFor(
  column: Column,
  asked: ReadonlyMap<string, Asked>,
  { userId, sees }: Person,
  place: number,
): string[] | undefined {
  const { name, type, category, isOptional, labels, refers } = column
  const literal = (text: string) => `${quoteLiteral(text)}::${type}`
  const isText = /^(text|character varying|uuid)/.test(type)
  if (
    column.isUser ||
    (isText && (asked.get(name)?.isCaller || (!refers && /^(user|owner|author|profile)_?id$|^owner$/i.test(name))))
  ) {
    return [literal(userId)]
  }
  if (refers !== null) {
    const value = sees.get(`${refers.schema}.${refers.table}.${refers.column}`)
    return value === undefined ? (isOptional ? [] : undefined) : [literal(value)]
  }
  if (isOptional) return []
  if (labels.length > 0) return labels.slice(0, 3).map(literal)
  if (column.words.length > 0) return column.words.slice(0, 4).map(literal)
  if (type === 'uuid') return [literal(`00000000-0000-4000-a000-${String(place).padStart(12, '0')}`)]
  if (/^json/.test(type)) return [literal('{}')]
  if (category === 'A') return [literal('{}')]
  if (category === 'B') return ['false']
  if (category === 'N') return [`${1_000_000_000 + place}::${type}`, `${place}::${type}`, `1::${type}`]
  if (category === 'D') return /^(date|timestamp)/.test(type) ? [`now()::${type}`] : [literal('12:00')]
  // A folder of one's own, as storage has it, is a text like any other.
  if (category === 'S')
    return [literal(`${userId}/made-up-${place}`), literal(`made-up-${place}`), literal(`m${place}`)]
  return undefined
}

export function insertSql(table: string, values: Values): string {
  if (values.size === 0) return `insert into ${table} as made default values`
  const names = [...values.keys()].map((name) => quoteIdentifier(name)).join(', ')
  return `insert into ${table} as made (${names}) overriding system value values (${[...values.values()].join(', ')})`
}
