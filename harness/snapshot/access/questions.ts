import type { Connection } from '../../database/engine.ts'
import type { Identity } from '../identities.ts'
import type { AccessFacts, Policy, Relation } from './facts.ts'
import { type Part, rowParts } from './row-sample.ts'
import { samplePlan } from './sample.ts'

/** By relation and identity, whether all rows are asked about (null) or a part. Who is missing is not asked. */
export type Asked = ReadonlyMap<string, ReadonlyMap<number, Part | null>>

/** Estimated work of all probes on one side, in milliseconds of one core. */
const budget = { all: 4_000, few: 1_200 }
/** Identities asked where all users are compared at once: more than the writes are tried for, and each tie to the data among them. */
export const fewIdentities = 50

export function askedLike(facts: AccessFacts): Asked {
  const asked = new Map(facts.relations.map(({ name }) => [name, new Map<number, Part | null>()]))
  for (const { relation, identity, only } of facts.probes) asked.get(relation)?.set(identity, only ?? null)
  return asked
}

/** Relations that some are asked about in part, or that fewer are asked about than others: each is asked alone. */
export function costlyOf(asked: Asked): ReadonlySet<string> {
  const isWhole = (part: Part | null) => part === null
  const whole = new Map([...asked].map(([name, own]) => [name, [...own.values()].filter(isWhole).length]))
  const most = Math.max(0, ...whole.values())
  return new Set(
    [...asked]
      .filter(([name, own]) => [...own.values()].some((part) => !isWhole(part)) || whole.get(name) !== most)
      .map(([name]) => name),
  )
}

/**
 * Whom to ask what. Whom the sample leaves out at a relation is asked about a part of its rows there. `few`: the first of
 * the identities only, and the first of each role. `share` of the budget: of the relations that are exposed, those asked.
 */
export async function questions(
  session: Connection,
  relations: readonly Relation[],
  policies: readonly Policy[],
  identities: readonly Identity[],
  { few, share }: { readonly few: boolean; readonly share: number },
): Promise<Asked> {
  const first = few ? identities.slice(0, fewIdentities) : identities
  const roles = new Set(first.map(({ role }) => role))
  const others = identities.flatMap(({ role }, index) =>
    index >= first.length && !roles.has(role) && roles.add(role) ? [index] : [],
  )
  const sample = await samplePlan(session, relations, policies, first, (few ? budget.few : budget.all) * share)
  const costly = relations.filter(({ name }) => (sample.get(name)?.size ?? 0) < first.length)
  const parts = await rowParts(session, costly, first)
  return new Map(
    relations.map(({ name }) => [
      name,
      new Map([
        ...(parts.get(name) ?? []),
        ...[...(sample.get(name) ?? []), ...others].map((index) => [index, null] as const),
      ]),
    ]),
  )
}
