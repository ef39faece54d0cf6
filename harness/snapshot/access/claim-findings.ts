import type { Finding } from '../../model/finding.ts'
import { type AccessFacts, type Policy, setsOf } from './facts.ts'
import { appliesTo } from './policies.ts'

const role = 'authenticated'

/**
 * Policies that newly let somebody in by `user_metadata`: whatever it holds today, each user can write their own with
 * `auth.updateUser` (Supabase documentation, "Row Level Security", on `auth.jwt()`), so the rows as sampled prove nothing. It blocks
 * where the claim alone may open a row, and warns where the policy asks for the caller's id beside it.
 */
export function claimFindings(before: AccessFacts, after: AccessFacts): Finding[] {
  const fresh = after.policies.filter((policy) => asksNewly(policy, before))
  return [...Map.groupBy(fresh, (policy) => `${policy.relation}\n${kindOf(policy)}`).values()].flatMap((policies) => {
    const [first] = policies
    if (first === undefined) return []
    const names = policies.map(({ name }) => `"${name}"`).join(', ')
    const reach = kindOf(first) === 'access.rows-gained' ? 'read' : 'write'
    return [
      {
        kind: kindOf(first),
        object: first.relation,
        role,
        title: `Any signed-in user can ${reach} rows of ${first.relation} by writing into their own user_metadata what ${names} ${policies.length === 1 ? 'asks' : 'ask'} for.`,
        evidence: ["user_metadata is the user's own to write: supabase.auth.updateUser({ data: … })."],
        ...(policies.every(asksForCaller) ? { severity: 'warning' as const } : {}),
        fix: 'Ask for app_metadata, which only the service role writes, or for a table of roles.',
      },
    ]
  })
}

const kindOf = ({ command }: Policy) =>
  command === 'select' || command === 'all' ? 'access.rows-gained' : 'access.write-gained'

function asksNewly(policy: Policy, before: AccessFacts): boolean {
  const { relation, name, command, permissive } = policy
  if (!policy.asksUserMetadata || !appliesTo(policy, role, command)) return false
  const own = before.policies.filter((one) => one.relation === relation && one.permissive === permissive)
  // A restriction that is new takes nothing away from the others, however weak it is.
  if (!permissive && !own.some((one) => one.name === name)) return false
  if (own.some((one) => one.asksUserMetadata && (one.command === command || one.command === 'all'))) return false
  return before.relations.some((one) => one.name === relation) && !(command === 'select' && isOpen(before, relation))
}

/** Everybody saw every row all along. */
function isOpen({ relations, probes, identities }: AccessFacts, relation: string): boolean {
  const rows = relations.find(({ name }) => name === relation)?.rows
  const own = probes.filter((one) => one.relation === relation && identities[one.identity]?.role === role)
  return own.length > 0 && own.every(({ outcome, only }) => setsOf(outcome).seen.count === (only?.rows ?? rows))
}

/** The caller's id and the claim are both asked for, and neither stands in for the other. */
function asksForCaller({ using, check }: Policy): boolean {
  const text = `${using ?? ''} ${check ?? ''}`
  return /auth\.uid\(\)|'sub'/.test(text) && !/\b(OR|CASE)\b/.test(text)
}
