import type { Column, Table } from './shape.ts'

/** Roles as apps call them, strongest first. */
const strength = [
  ['owner', 'creator', 'host'],
  ['superadmin', 'super_admin', 'root'],
  ['admin', 'administrator'],
  ['manager', 'maintainer', 'lead', 'organizer', 'organiser', 'coordinator'],
  ['moderator'],
  ['editor', 'writer', 'author', 'developer', 'write', 'edit'],
  ['contributor', 'collaborator'],
  ['member', 'user', 'participant', 'attendee'],
  ['commenter', 'reviewer'],
  ['viewer', 'reader', 'read', 'view', 'observer'],
  ['guest', 'visitor'],
] as const

/** States in which somebody is no member, yet or any more. */
const outside: ReadonlySet<string> = new Set([
  'invited',
  'pending',
  'removed',
  'declined',
  'blocked',
  'banned',
  'left',
  'none',
])

const rank = (role: string) => {
  const at = strength.findIndex((names) => names.some((name) => name === role.toLowerCase()))
  return at < 0 ? undefined : at
}

export type Roles = { readonly values: readonly string[]; readonly from: string; readonly ordered: boolean }

/** The roles strongest first: known words by their meaning, the others where the definition has them, before what is weaker. */
export function orderRoles(found: readonly string[], from: string): Roles {
  const values = found.filter((role) => !outside.has(role.toLowerCase()))
  const known = values.filter((role) => rank(role) !== undefined)
  const sorted = known.toSorted((left, right) => (rank(left) ?? 0) - (rank(right) ?? 0))
  const others = values.filter((role) => rank(role) === undefined)
  return { values: [...sorted, ...others], from, ordered: others.length === 0 }
}

/** The values that the schema itself allows for a column: of its enum, or of a check such as `role in ('a', 'b')`. */
export function statedValues(
  table: Table,
  column: Column,
): { readonly values: readonly string[]; readonly from: string } | undefined {
  if (column.labels.length > 0) return { values: column.labels, from: 'the values of its type' }
  const name = column.name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  for (const check of table.checks) {
    if (!new RegExp(String.raw`\(+"?${name}"?\)?(::text)? = ANY`).test(check)) continue
    const values = [...check.matchAll(/'((?:[^']|'')*)'::/g)].map(([, value = '']) => value.replaceAll("''", "'"))
    if (values.length > 1) return { values: [...new Set(values)], from: 'the values that its check allows' }
  }
  return undefined
}
