import type { Connection } from '../../database/engine.ts'
import type { Identity } from '../identities.ts'
import type { Policy, Relation } from './facts.ts'
import { appliesTo } from './policies.ts'

/** For each relation the indexes of the identities that are asked about it. */
export type Sample = ReadonlyMap<string, ReadonlySet<number>>

/** Users asked about a relation however costly its policies are, and the work that each relation may cost in any case. */
const fewestUsers = 3
const always = 150
/** Milliseconds for each row: to read and hash it; for each function of the app that a policy calls; for each table it reads. */
const rowCost = { read: 0.001, call: 0.02, lookup: 0.005 }

/**
 * Policies that call a function for each row cost seconds for each user, so a relation is asked for as many users as fit
 * into an equal share of the budget, at least `fewestUsers`; anon and service_role always. The budget, in milliseconds of
 * one core, is held against an estimate by row counts and by what the policies depend on, never against a clock, so the
 * same database gives the same sample.
 */
export async function samplePlan(
  session: Connection,
  relations: readonly Relation[],
  policies: readonly Policy[],
  identities: readonly Identity[],
  budget: number,
): Promise<Sample> {
  const work = await policyWork(session, relations)
  const costs = relations.map((relation) => {
    const rowMs = policies
      .filter(({ relation: name }) => name === relation.name)
      .filter((policy) => appliesTo(policy, 'authenticated', 'select'))
      .reduce((sum, policy) => sum + (work.get(`${policy.relation}\n${policy.name}`) ?? 0), rowCost.read)
    return { name: relation.name, cost: (relation.rows ?? 1_000) * rowMs }
  })
  const users = identities.flatMap(({ userId }, index) => (userId === undefined ? [] : [index]))
  const others = identities.flatMap(({ userId }, index) => (userId === undefined ? [index] : []))
  const shares = usersThatFit(
    costs.map(({ cost }) => cost),
    users.length,
    budget,
  )
  return new Map(costs.map(({ name }, index) => [name, new Set([...others, ...users.slice(0, shares[index])])]))
}

/** How many of `users` each relation is asked for, by what one user costs there: equal shares of what the budget leaves. */
export function usersThatFit(costs: readonly number[], users: number, budget: number): number[] {
  const counts = costs.map((cost) =>
    Math.min(users, Math.max(fewestUsers, cost > 0 ? Math.floor(always / cost) : users)),
  )
  let left = budget - costs.reduce((sum, cost, index) => sum + cost * (counts[index] ?? 0), 0)
  // The cheapest first: what a cheap relation does not use goes to the dearer ones.
  const order = costs.map((cost, index) => ({ cost, index })).sort((a, b) => a.cost - b.cost || a.index - b.index)
  for (const [position, { cost, index }] of order.entries()) {
    const share = Math.max(0, left) / (order.length - position)
    const more = Math.min(users - (counts[index] ?? 0), cost > 0 ? Math.floor(share / cost) : users)
    counts[index] = (counts[index] ?? 0) + more
    left -= more * cost
  }
  return counts
}

/** Milliseconds for each row, by `relation\npolicy`. */
async function policyWork(session: Connection, relations: readonly Relation[]): Promise<Map<string, number>> {
  const { rows } = await session.query<{ oid: number; name: string; calls: number; lookups: number }>(
    `select p.polrelid::int as oid, p.polname::text as name,
       (count(distinct f.oid) filter (where f.pronamespace::regnamespace::text not in ('auth', 'extensions')))::int as calls,
       (count(distinct d.refobjid) filter (where d.refclassid = 'pg_class'::regclass and d.refobjid <> p.polrelid))::int as lookups
     from pg_policy p
     left join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.deptype = 'n'
     left join pg_proc f on d.refclassid = 'pg_proc'::regclass and f.oid = d.refobjid
     where p.polrelid = any ($1) group by p.oid, p.polrelid, p.polname`,
    [relations.map(({ oid }) => oid)],
  )
  const names = new Map(relations.map(({ oid, name }) => [oid, name]))
  return new Map(
    rows.map(({ oid, name, calls, lookups }) => [
      `${names.get(oid)}\n${name}`,
      calls * rowCost.call + lookups * rowCost.lookup,
    ]),
  )
}
