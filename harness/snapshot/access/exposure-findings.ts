import type { Finding } from '../../model/finding.ts'
import { type AccessFacts, type Relation, setsOf } from './facts.ts'
import { grantsOf } from './probe-sql.ts'
import { number } from './row-findings.ts'

/** Roles that a request from the outside can have. */
const outside = ['anon', 'authenticated'] as const

/**
 * Tables without row security that it was switched off for, or that are new and open; and new views with their owner's
 * rights over tables that row security guards. Tables that were open before are not the migration's doing.
 */
export function exposureFindings(before: AccessFacts, after: AccessFacts): Finding[] {
  const was = new Map(before.relations.map((relation) => [relation.name, relation]))
  return after.relations.flatMap((relation) => {
    const old = was.get(relation.name)
    const finding =
      relation.kind === 'view'
        ? openView(old, relation, after)
        : (openTable(old, relation, before.tables.includes(relation.oid)) ??
          (old === undefined && !before.tables.includes(relation.oid) ? shownByPolicy(relation, after) : undefined))
    return finding ? [finding] : []
  })
}

/** `known`: the table was there before, whether anybody reached it or not. */
function openTable(old: Relation | undefined, relation: Relation, known: boolean): Finding | undefined {
  if (relation.rowSecurity || (old !== undefined && !old.rowSecurity)) return undefined
  const rights = outside.flatMap((role) => {
    const grants = grantsOf(relation, role)
    const words = [
      grants.select.length > 0 ? 'read' : '',
      grants.insert.length > 0 ? 'insert' : '',
      grants.update.length > 0 ? 'update' : '',
      grants.delete ? 'delete' : '',
    ].filter((word) => word !== '')
    return words.length > 0 ? [{ role, words }] : []
  })
  const [first] = rights
  if (first === undefined) return undefined
  // A new table that signed-in users only read is a choice (a list of countries); one that they write, or rows that were shut away, are not.
  const onlyRead = first.role === 'authenticated' && first.words.length === 1 && first.words[0] === 'read'
  const harmless = old === undefined && onlyRead && (!known || relation.rows === 0)
  if (harmless && relation.rows === 0) return undefined
  const who = rights.map(({ role, words }) => `${role} may ${words.join(', ')}`).join('; ')
  return {
    kind: 'access.rls-disabled',
    object: relation.name,
    role: first.role,
    title: old
      ? `Row security was switched off for ${relation.name}: ${who}, all ${number(relation.rows ?? 0)} rows.`
      : known
        ? `${relation.name}, which nobody reached before, has no row security: ${who}, all ${number(relation.rows ?? 0)} rows.`
        : `The new table ${relation.name} has no row security: ${who}, every row.`,
    evidence: rights.map(({ role, words }) => `${role}: ${words.join(', ')}`),
    ...(harmless ? { severity: 'warning' as const } : {}),
    fix: `alter table ${relation.name} enable row level security;`,
  }
}

/** A new table that holds rows already, perhaps a copy of another's, and shows all of them to somebody from outside. */
function shownByPolicy(relation: Relation, after: AccessFacts): Finding | undefined {
  if (relation.rows === null || relation.rows === 0) return undefined
  const readers = outside.filter((role) =>
    after.probes.some(
      ({ relation: name, identity, outcome }) =>
        name === relation.name &&
        after.identities[identity]?.role === role &&
        setsOf(outcome).seen.count === relation.rows,
    ),
  )
  const [first] = readers
  if (first === undefined) return undefined
  return {
    kind: 'access.rows-gained',
    object: relation.name,
    role: first,
    title: `The new table ${relation.name} shows all of its ${number(relation.rows)} rows to ${readers.join(' and ')}.`,
    evidence: ['If its rows were copied from another table, its policies are the only ones that guard them here.'],
    severity: 'warning',
  }
}

function openView(old: Relation | undefined, relation: Relation, after: AccessFacts): Finding | undefined {
  if (old !== undefined || relation.passesBy.length === 0) return undefined
  const readers = outside.flatMap((role) => {
    if (grantsOf(relation, role).select.length === 0) return []
    const counts = after.probes
      .filter((probe) => probe.relation === relation.name && after.identities[probe.identity]?.role === role)
      .map((probe) => setsOf(probe.outcome).seen.count)
    return counts.some((count) => count > 0) ? [{ role, most: Math.max(...counts) }] : []
  })
  const [first] = readers
  if (first === undefined) return undefined
  const tables = relation.passesBy.join(', ')
  return {
    kind: 'access.rls-disabled',
    object: relation.name,
    role: first.role,
    title: `The new view ${relation.name} shows rows of ${tables} past their row security to ${readers.map(({ role }) => role).join(' and ')}.`,
    evidence: readers.map(({ role, most }) => `${role} sees up to ${number(most)} rows through it.`),
    fix: `alter view ${relation.name} set (security_invoker = true), or revoke select on it.`,
  }
}
