import { HarnessError } from '../../errors.ts'
import type { MaskConfig } from '../../model/config.ts'
import { nearest } from '../../model/nearest.ts'
import type { MaskColumn, MaskTable } from './facts.ts'
import { findKind, textTypes } from './find.ts'
import type { MaskAs } from './masks.ts'
import { platformMask } from './platform.ts'
import type { Reference } from './references.ts'

/** Why a column is masked as it is. In their order: the first that has a word decides. */
export const maskReasons = ['config', 'pattern', 'platform', 'name', 'values', 'type', 'reference', 'mentions'] as const
export type MaskReason = (typeof maskReasons)[number]

export type PlannedMask = {
  readonly table: string
  readonly column: MaskColumn
  readonly as: MaskAs
  readonly reason: MaskReason
}

export type MaskPlan = {
  readonly masks: readonly PlannedMask[]
  /** Characters that masks of a kind may have: what the narrowest column of it holds. */
  readonly limits: Readonly<Partial<Record<MaskAs, number>>>
}

/** An address at the masks' domain and eight characters of its own. */
const shortestEmail = 20

/**
 * Pure: what becomes of every column. Columns that a foreign key ties together get the same kind, else it would break.
 * `samples`: values by table and column. Throws `config.invalid` with all complaints: tables and columns that are not
 * there, kinds that a type cannot hold, foreign keys between columns that are to be masked in different ways.
 */
export function planMasks(
  config: MaskConfig,
  tables: readonly MaskTable[],
  samples: (table: string, column: string) => readonly string[],
  references: readonly Reference[],
): MaskPlan {
  const complaints = unknownNames(config, tables)
  const planned = new Map<string, PlannedMask>()
  for (const { table, root, columns } of tables) {
    for (const column of columns) {
      const chosen = choose(config, table, root, column, samples(table, column.name))
      if (chosen === undefined) continue
      const fits = fitting(chosen.as, column)
      if (fits !== undefined) planned.set(keyOf(table, column.name), { table, column, as: fits, reason: chosen.reason })
      else if (chosen.reason === 'config') {
        complaints.push(
          `mask.tables: ${table}(${column.name}) is ${column.base}, which cannot hold a mask of kind ${chosen.as}`,
        )
      }
    }
  }
  tie(planned, tables, references, complaints)
  if (complaints.length > 0) {
    throw new HarnessError(
      'config.invalid',
      `What "mask" asks for cannot be done on this dump:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
      { facts: { complaints } },
    )
  }
  const masks = [...planned.values()].filter(({ as }) => as !== 'keep')
  return { masks, limits: limitsOf(masks) }
}

function keyOf(table: string, column: string): string {
  return `${table}\0${column}`
}

type Chosen = { readonly as: MaskAs; readonly reason: MaskReason }

function choose(
  { tables = {}, names = {}, find = true }: MaskConfig,
  table: string,
  root: string,
  column: MaskColumn,
  sample: readonly string[],
): Chosen | undefined {
  const told = tables[table]?.[column.name] ?? tables[root]?.[column.name]
  if (told !== undefined) return { as: told, reason: 'config' }
  const platform = platformMask(root, column.name)
  const pattern = Object.entries(names).find(([name]) => asPattern(name).test(column.name))?.[1]
  if (pattern !== undefined && !/^(auth|vault|storage|realtime|supabase_\w+|cron|net)\./.test(table))
    return { as: pattern, reason: 'pattern' }
  if (platform !== undefined) return { as: platform, reason: 'platform' }
  if (find === false || /^(auth|supabase_migrations)\./.test(table)) return undefined
  const found = findKind(table, column, sample)
  if (found !== undefined && (find === true || find.includes(found.as))) return { as: found.as, reason: found.by }
  return mayMention(column) ? { as: 'mentions', reason: 'mentions' } : undefined
}

function asPattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll('*', '.*')}$`, 'i')
}

const textKinds: ReadonlySet<MaskAs> = new Set([
  'email',
  'phone',
  'name',
  'address',
  'ip',
  'token',
  'text',
  'subject',
  'password',
  'contact',
])

/** The kind in the form that a column's type can hold; undefined: it cannot hold it in any. */
function fitting(as: MaskAs, { base, limit }: MaskColumn): MaskAs | undefined {
  if (as === 'keep' || as === 'mentions') return as
  if (textTypes.has(base)) {
    if (as === 'email' && limit !== undefined && limit < shortestEmail) return 'token'
    return textKinds.has(as) ? as : as === 'json' || as === 'user-json' ? as : undefined
  }
  switch (base) {
    case 'json':
    case 'jsonb':
      return as === 'json' || as === 'user-json' || as === 'text' ? as : undefined
    case 'inet':
      return as === 'ip' ? as : undefined
    case 'uuid':
      return as === 'token' || as === 'subject' ? as : undefined
    case 'bytea':
      return as === 'token' || as === 'text' ? 'token' : undefined
    case 'int8':
    case 'numeric':
      return as === 'phone' ? as : undefined
    default:
      return undefined
  }
}

const withoutWords =
  /^(bool|int[248]|oid|float[48]|numeric|money|date|time|timetz|timestamp|timestamptz|interval|uuid|bytea|inet|cidr|macaddr8?|bit|varbit|point|line|lseg|box|path|polygon|circle|vector|halfvec|geometry|geography|pg_lsn|xid8?|tid|txid_snapshot|.*range)$/

function mayMention({ base }: MaskColumn): boolean {
  return !withoutWords.test(base)
}

/** Until nothing changes. A chain of foreign keys takes a round for each of its links at most: what still changes then, never ends. */
function tie(
  planned: Map<string, PlannedMask>,
  tables: readonly MaskTable[],
  references: readonly Reference[],
  complaints: string[],
): void {
  const columns = new Map(
    tables.flatMap(({ table, columns }) => columns.map((column) => [keyOf(table, column.name), { table, column }])),
  )
  const rank = (mask: PlannedMask | undefined) =>
    mask === undefined ? maskReasons.length : maskReasons.indexOf(mask.reason)
  for (let round = 0; round <= references.length; round++) {
    let changed = false
    for (const { from, to } of references) {
      const [own, other] = [keyOf(from.table, from.column), keyOf(to.table, to.column)]
      const [left, right] = [planned.get(own), planned.get(other)]
      if (left?.as === right?.as) continue
      const torn = left?.reason === 'config' && right?.reason === 'config'
      if (torn || (round === references.length && left && right)) {
        complaints.push(
          `mask.tables: ${from.table}(${from.column}) is ${left.as} and ${to.table}(${to.column}), which it refers to, is ${right.as}; name one kind for both`,
        )
        return
      }
      const [leads, follows] = rank(left) <= rank(right) ? [left, other] : [right, own]
      const column = columns.get(follows)
      if (leads === undefined || column === undefined) continue
      planned.set(follows, { ...column, as: leads.as, reason: leads.reason === 'mentions' ? 'mentions' : 'reference' })
      changed = true
    }
    if (!changed) return
  }
}

function unknownNames({ tables = {} }: MaskConfig, known: readonly MaskTable[]): string[] {
  return Object.entries(tables).flatMap(([name, columns]) => {
    const own = known.find(({ table }) => table === name)
    if (own === undefined)
      return [
        `mask.tables: the dump has no table ${name}${meant(
          name,
          known.map(({ table }) => table),
        )}`,
      ]
    const names = own.columns.map((column) => column.name)
    return Object.keys(columns)
      .filter((column) => !names.includes(column))
      .map((column) => `mask.tables: ${name} has no column ${column}${meant(column, names)}`)
  })
}

function meant(written: string, known: readonly string[]): string {
  const found = nearest(written, known)
  return found === undefined ? '' : `; did you mean ${found}?`
}

function limitsOf(masks: readonly PlannedMask[]): MaskPlan['limits'] {
  const limits: Partial<Record<MaskAs, number>> = {}
  for (const { as, column } of masks) {
    if (column.limit !== undefined) limits[as] = Math.min(limits[as] ?? column.limit, column.limit)
  }
  // An address of either sort may stand in them.
  if (limits.contact !== undefined) limits.email = Math.min(limits.email ?? limits.contact, limits.contact)
  return limits
}
