import type { Database } from '../../database/engine.ts'
import type { Side } from '../../model/suite-run.ts'
import type { Identity } from '../identities.ts'
import { unexercised } from './coverage.ts'
import type { Everyone } from './everyone/take.ts'
import { type AccessFacts, rowSets } from './facts.ts'
import { type TakeAccessOptions, takeAccess } from './take.ts'

export type Sampled = { readonly was: AccessFacts; readonly is: AccessFacts }

type Options = Pick<TakeAccessOptions, 'signal' | 'few' | 'only'>

/** What the sample is shown on both sides, or the first few of it. Throws `database.failed`, `aborted`. */
export async function takeSampled(
  { before, after }: Readonly<Record<Side, Database>>,
  identities: readonly Identity[],
  options: Options,
): Promise<Sampled> {
  const was = await takeAccess(before, identities, options)
  return { was, is: await takeAccess(after, identities, { ...options, like: was }) }
}

/** Relations with rows at which one of the few gets no answer, or a policy is not put to the proof by them. */
export function unclear({ was, is }: Sampled): ReadonlySet<string> {
  const { touched, dropped, asBefore } = unexercised(was, is)
  const filled = new Set([...was.relations, ...is.relations].filter(({ rows }) => rows !== 0).map(({ name }) => name))
  const unproven = [...touched, ...dropped, ...asBefore].map(({ policy }) => policy.relation)
  return new Set([
    ...unproven.filter((relation) => filled.has(relation)),
    ...[...was.probes, ...is.probes].flatMap(({ relation, outcome }) => (outcome.state === 'failed' ? [relation] : [])),
  ])
}

/** Relations of both sides whose row sets are not known to be the same for every user. */
export function notToldForAll({ was, is }: Sampled, everyone: Everyone | undefined): ReadonlySet<string> {
  const told = everyone?.tables.filter(
    ({ exhaustive, changes }) => exhaustive.length === rowSets.length && changes.length === 0,
  )
  return names(was)
    .union(names(is))
    .difference(new Set(told?.map(({ relation }) => relation)))
}

/** The facts with the whole sample asked at these relations. Throws `database.failed`, `aborted`. */
export async function askWholeSample(
  sides: Readonly<Record<Side, Database>>,
  sampled: Sampled,
  only: ReadonlySet<string>,
  { signal }: { readonly signal?: AbortSignal },
): Promise<Sampled> {
  if (only.size === 0) return sampled
  const more = await takeSampled(sides, sampled.was.identities, { only, ...(signal === undefined ? {} : { signal }) })
  return { was: withProbes(sampled.was, more.was), is: withProbes(sampled.is, more.is) }
}

function withProbes(facts: AccessFacts, { probes }: AccessFacts): AccessFacts {
  const asked = new Set(probes.map(({ relation }) => relation))
  const all = [...facts.probes.filter(({ relation }) => !asked.has(relation)), ...probes]
  all.sort((a, b) => (a.relation < b.relation ? -1 : a.relation > b.relation ? 1 : a.identity - b.identity))
  return { ...facts, probes: all }
}

function names({ relations }: AccessFacts): Set<string> {
  return new Set(relations.map(({ name }) => name))
}
