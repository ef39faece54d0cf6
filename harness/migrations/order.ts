type Versioned = { readonly name: string; readonly version: string }

const natural = new Intl.Collator('en', { numeric: true })

/** The digits in front of `210_name.sql`, as text; empty for a file without them. */
export function versionOf(name: string): string {
  return /^(\d+)(?=[_.-])/.exec(name)?.[1] ?? ''
}

/** By number, then by name as text; files without a number come last, in natural order. */
export function compareVersions(one: Versioned, other: Versioned): number {
  if (one.version === '' || other.version === '') {
    if (one.version !== other.version) return one.version === '' ? 1 : -1
    return natural.compare(one.name, other.name) || compareText(one.name, other.name)
  }
  return compareNumbers(one.version, other.version) || compareText(one.name, other.name)
}

/** Two versions as numbers of any length. */
export function compareNumbers(one: string, other: string): number {
  const difference = BigInt(one) - BigInt(other)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** By code unit, as Supabase's CLI orders file names. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
