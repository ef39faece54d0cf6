import type { FieldMask } from './copy-masker.ts'
import { maskLeaves } from './json-leaves.ts'
import type { MaskAs, Masks } from './masks.ts'
import type { PlannedMask } from './plan.ts'

/** Pure: the mask of a column's values in the form in which COPY holds its type. */
export function fieldMask(masks: Masks, { as, column }: Pick<PlannedMask, 'as' | 'column'>): FieldMask {
  const { base, isArray } = column
  const one = valueMask(masks, as, base)
  const mask = isArray && as !== 'mentions' ? (value: string) => maskElements(value, one) : one
  // JSON as text may write an @ in another way.
  return as === 'mentions' && base !== 'json' ? { mask, onlyMarked: true } : { mask }
}

function valueMask({ mask }: Masks, as: MaskAs, base: string): (value: string) => string {
  if (base === 'bytea') return (value) => (value.startsWith('\\x') ? `\\x${mask('bytes', value.slice(2))}` : value)
  if (base === 'json' || base === 'jsonb') {
    if (as === 'text') return (value) => maskLeaves(value, (leaf) => mask('text', leaf))
    if (as === 'mentions')
      return (value) =>
        maskLeaves(
          value,
          (leaf) => mask('mentions', leaf),
          () => false,
        )
  }
  return (value) => mask(as, value)
}

/** The elements of an array, however many dimensions it has; each comes out quoted. NULL stays. */
function maskElements(array: string, mask: (value: string) => string): string {
  return array.replace(/"([^"\\]*(?:\\.[^"\\]*)*)"|[^{},"\s][^{},"]*/gs, (element, quoted: string | undefined) => {
    if (quoted === undefined && (element.toUpperCase() === 'NULL' || /^\[.*\]=$/.test(element))) return element
    const masked = mask(quoted === undefined ? element : quoted.replace(/\\(.)/gs, '$1'))
    return `"${masked.replace(/["\\]/g, '\\$&')}"`
  })
}
