import type { Cloner } from '../../clones.ts'
import type { Database } from '../../database/engine.ts'
import type { Side } from '../../model/suite-run.ts'
import type { Identity } from '../identities.ts'
import { unexercised } from './coverage.ts'
import { type Everyone, tryEveryone } from './everyone/take.ts'
import { askWitnesses } from './everyone/witnesses.ts'
import { type AccessFacts, rowSets, withProbes } from './facts.ts'
import { type TakeAccessOptions, takeAccess } from './take.ts'

type Sides = Readonly<Record<Side, Database>>
type Sampled = { readonly was: AccessFacts; readonly is: AccessFacts }
type Options = Pick<TakeAccessOptions, 'signal' | 'few' | 'only'>

/**
 * What the identities are shown on both sides, and what every user is. All users are compared at once where the policies
 * can be written out, and the first of the sample are enough to hold that against; the whole sample is asked where this
 * leaves something open, or everywhere (`all`). Throws `database.failed`, `aborted`.
 */
export async function takeEverybody(
  sides: Sides,
  identities: readonly Identity[],
  clone: Cloner,
  { signal, all = false }: { readonly signal?: AbortSignal; readonly all?: boolean } = {},
): Promise<Sampled & { readonly everyone: Everyone | undefined }> {
  const options = signal === undefined ? {} : { signal }
  const few = await takeSampled(sides, identities, { ...options, few: !all })
  const early = all ? new Set<string>() : unclear(few)
  const clear = await askWholeSample(sides, few, early, options)
  const everyone = await askEveryone({ ...sides, ...clear }, clone, options)
  const open = all ? new Set<string>() : notToldForAll(clear, everyone).difference(early)
  const sampled = await askWholeSample(sides, clear, open, options)
  if (everyone === undefined) return { ...sampled, everyone }
  return { ...(await askWitnesses({ ...sides, ...sampled }, everyone, options)), everyone }
}

/** On clones, since functions of the app are called there. */
async function askEveryone(
  { before, after, was, is }: Sides & Sampled,
  clone: Cloner,
  options: Options,
): Promise<Everyone | undefined> {
  await using first = await clone(before)
  await using second = await clone(after)
  return await tryEveryone({ before: first, after: second, was, is }, options)
}

/** What the sample is shown on both sides, or the first few of it. Throws `database.failed`, `aborted`. */
async function takeSampled(
  { before, after }: Sides,
  identities: readonly Identity[],
  options: Options,
): Promise<Sampled> {
  const was = await takeAccess(before, identities, options)
  return { was, is: await takeAccess(after, identities, { ...options, like: was }) }
}

/** Relations with rows at which one of the few gets no answer, or a policy is not put to the proof by them. */
function unclear({ was, is }: Sampled): ReadonlySet<string> {
  const { touched, dropped, asBefore } = unexercised(was, is)
  const filled = new Set([...was.relations, ...is.relations].filter(({ rows }) => rows !== 0).map(({ name }) => name))
  const unproven = [...touched, ...dropped, ...asBefore].map(({ policy }) => policy.relation)
  return new Set([
    ...unproven.filter((relation) => filled.has(relation)),
    ...[...was.probes, ...is.probes].flatMap(({ relation, outcome }) => (outcome.state === 'failed' ? [relation] : [])),
  ])
}

/** Relations whose row sets are not known to be the same for every user, those of one side only among them. */
function notToldForAll({ was, is }: Sampled, everyone: Everyone | undefined): ReadonlySet<string> {
  const told = everyone?.tables.filter(
    ({ exhaustive, changes }) => exhaustive.length === rowSets.length && changes.length === 0,
  )
  return names(was)
    .union(names(is))
    .difference(new Set(told?.map(({ relation }) => relation)))
}

/** The facts with the whole sample asked at these relations. Throws `database.failed`, `aborted`. */
async function askWholeSample(
  sides: Sides,
  sampled: Sampled,
  only: ReadonlySet<string>,
  { signal }: { readonly signal?: AbortSignal },
): Promise<Sampled> {
  if (only.size === 0) return sampled
  const more = await takeSampled(sides, sampled.was.identities, { only, ...(signal === undefined ? {} : { signal }) })
  return { was: withProbes(sampled.was, more.was.probes), is: withProbes(sampled.is, more.is.probes) }
}

function names({ relations }: AccessFacts): Set<string> {
  return new Set(relations.map(({ name }) => name))
}
