import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import type { Policy, PolicyCommand } from './facts.ts'

const commands: Readonly<Record<string, PolicyCommand>> = {
  r: 'select',
  a: 'insert',
  w: 'update',
  d: 'delete',
  '*': 'all',
}

/** Every policy of the given tables, with the roles out of `roles` that it applies to. Names in its expressions are qualified. */
export async function readPolicies(
  session: Connection,
  tables: readonly number[],
  roles: readonly string[],
): Promise<Policy[]> {
  // With an empty path Postgres writes every name with its schema, so that the text means the same anywhere.
  await session.query(`set search_path = ''`)
  const { rows } = await session.query<PolicyRow>(
    `select n.nspname as schema, c.relname as table, p.polname as name, p.polpermissive as permissive, p.polcmd as command,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check,
       concat(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ' ', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
         (select string_agg(f.prosrc, ' ') from pg_catalog.pg_depend d join pg_catalog.pg_proc f on f.oid = d.refobjid
           where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
             and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass)) ~ $3 as "asksUserMetadata",
       (select coalesce(array_agg(r.rolname::text order by r.rolname collate "C"), '{}') from pg_catalog.pg_roles r
         where r.rolname = any ($2) and exists (select from unnest(p.polroles) as granted(oid)
           where granted.oid = 0 or pg_catalog.pg_has_role(r.oid, granted.oid, 'USAGE'))) as roles
     from pg_catalog.pg_policy p
     join pg_catalog.pg_class c on c.oid = p.polrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where p.polrelid = any ($1)
     order by n.nspname collate "C", c.relname collate "C", p.polname collate "C"`,
    [tables, roles, userMetadata],
  )
  await session.query('reset search_path')
  return rows.map(({ schema, table, command, ...policy }) => ({
    ...policy,
    relation: displayName(schema, table),
    command: commands[command] ?? 'all',
  }))
}

/** The claim as a key or in a path, and the column of auth.users that it is made of; not a column of the app by that name. */
const userMetadata = String.raw`raw_user_meta_data|'user_metadata'|\{user_metadata[,}]`

type PolicyRow = {
  schema: string
  table: string
  name: string
  permissive: boolean
  command: string
  roles: string[]
  using: string | null
  check: string | null
  asksUserMetadata: boolean
}

export function appliesTo(policy: Policy, role: string, command: PolicyCommand): boolean {
  return policy.roles.includes(role) && (policy.command === command || policy.command === 'all')
}

/**
 * The condition that Postgres puts on an existing row for `command`: any permissive policy and every restrictive one;
 * without a permissive one, nothing (PostgreSQL documentation, "Row Security Policies"). For INSERT, and for the second
 * half of UPDATE, the WITH CHECK expression counts, or USING where a policy has none.
 */
export function condition(policies: readonly Policy[], role: string, command: 'insert' | 'update' | 'delete'): string {
  const applicable = policies.filter((policy) => appliesTo(policy, role, command))
  if (command === 'insert') return combine(applicable, (policy) => policy.check ?? policy.using)
  const using = combine(applicable, (policy) => policy.using)
  if (command === 'delete') return using
  const check = combine(applicable, (policy) => policy.check ?? policy.using)
  return using === check ? using : `${using} and ${check}`
}

/** Whether a row that an UPDATE has changed may look like anything: it passes a permissive WITH CHECK that asks no more than a login. */
export function acceptsAnyUpdate(policies: readonly Policy[], role: string): boolean {
  const applicable = policies.filter((policy) => appliesTo(policy, role, 'update'))
  const open = (policy: Policy) =>
    /^(true|\(*(\( ?SELECT )?auth\.uid\(\)( AS uid\))? IS NOT NULL\)*)$/.test(policy.check ?? policy.using ?? '')
  return (
    applicable.some((policy) => policy.permissive && open(policy)) &&
    applicable.every((policy) => policy.permissive || open(policy))
  )
}

function combine(policies: readonly Policy[], expression: (policy: Policy) => string | null): string {
  const terms = (permissive: boolean) =>
    policies
      .filter((policy) => policy.permissive === permissive)
      .map(expression)
      .filter((term) => term !== null)
  const allowing = terms(true)
  if (allowing.length === 0) return 'false'
  const any = `coalesce(${allowing.map((term) => `(${term})`).join(' or ')}, false)`
  return [any, ...terms(false).map((term) => `coalesce((${term}), false)`)].join(' and ')
}
