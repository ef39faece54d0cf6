import type { Finding } from '../model/finding.ts'

/** A finding as it is found again between two other states: counts, rows and columns differ there. */
export function keyOf({ kind, object, role }: Finding): string {
  return [kind, object, role ?? ''].join('\0')
}

export function partsOf(key: string): { readonly kind: string; readonly object: string } {
  const [kind = '', object = ''] = key.split('\0')
  return { kind, object }
}
