import type { Finding } from '../model/finding.ts'

/**
 * A finding as it is found again between two other states: counts and rows differ there, and so do columns, but for
 * accounts and recipients, where the column tells one way of losing a login or a mail from another.
 */
export function keyOf({ kind, object, role, columns = [] }: Finding): string {
  return [kind, object, role ?? '', /^(auth|mail)\./.test(kind) ? columns.join() : ''].join('\0')
}

export function partsOf(key: string): { readonly kind: string; readonly object: string; readonly columns: string } {
  const [kind = '', object = '', , columns = ''] = key.split('\0')
  return { kind, object, columns }
}
