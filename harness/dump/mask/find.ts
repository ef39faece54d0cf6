import type { FoundKind } from '../../model/config.ts'
import type { MaskColumn } from './facts.ts'
import type { MaskAs } from './masks.ts'
import { kindOfName, kindOfValue } from './names.ts'

export type Found = { readonly as: FoundKind; readonly by: 'name' | 'values' | 'type' }

/** So large a part of the sample must look like it. */
const share = 0.8

const people =
  /^(users?|profiles?|people|persons?|contacts?|customers?|guests?|members?|employees?|clients?|leads?|attendees?|participants?|patients?|students?|subscribers?)$/

/** Pure: what a column holds, by a sample of its values, its type and its name. Undefined: nothing that is looked for. */
export function findKind(table: string, column: MaskColumn, sample: readonly string[]): Found | undefined {
  const { base, name } = column
  if (base === 'inet') return { as: 'ip', by: 'type' }
  if (base === 'json' || base === 'jsonb') return { as: 'json', by: 'type' }
  if (!textTypes.has(base)) return undefined
  const looks = byValues(sample)
  if (looks !== undefined) return { as: looks, by: 'values' }
  const named = kindOfName(name) ?? (name === 'name' && people.test(table.replace(/^.*\./, '')) ? 'name' : undefined)
  if (named === undefined || !isFound(named) || !plausible(named, sample)) return undefined
  return { as: named, by: 'name' }
}

export const textTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext', 'name'])

function isFound(kind: MaskAs): kind is FoundKind {
  return kind !== 'text' && kind !== 'keep'
}

function byValues(sample: readonly string[]): FoundKind | undefined {
  // Of one or two values, the looks may be chance.
  if (sample.length < 3) return undefined
  const counts = new Map<FoundKind, number>()
  for (const value of sample) {
    const kind = kindOfValue(value)
    if (kind !== undefined && isFound(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return [...counts].find(([, count]) => count >= sample.length * share)?.[0]
}

/** Whether the values may be what the name says: `email` may be a switch, and `cell` one of a table. */
function plausible(kind: FoundKind, sample: readonly string[]): boolean {
  if (sample.length === 0) return true
  if (kind === 'email') return sample.some((value) => value.includes('@'))
  if (kind === 'phone') {
    const numbers = sample.filter((value) => value.replace(/\D/g, '').length >= 5 && !/\p{L}{4}/u.test(value))
    return numbers.length >= sample.length / 2
  }
  if (kind === 'ip') return sample.some((value) => /[.:]/.test(value))
  return true
}
