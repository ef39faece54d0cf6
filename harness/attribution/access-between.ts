import type { Cloner } from '../clones.ts'
import type { Database } from '../database/engine.ts'
import type { Finding } from '../model/finding.ts'
import { compareAccess } from '../snapshot/access/compare.ts'
import { takeAccessDifferences } from '../snapshot/access/differences.ts'
import { type AccessFacts, type Probe, placeOf, setsOf } from '../snapshot/access/facts.ts'
import { lookAtDefiners } from '../snapshot/access/look-at-definers.ts'
import { madeUpFindings } from '../snapshot/access/made-up/tell-made-up.ts'
import { tryMadeUp } from '../snapshot/access/made-up/try-made-up.ts'
import { takeAccess } from '../snapshot/access/take.ts'
import { compareWrites } from '../snapshot/access/writes/compare-writes.ts'
import { tryWrites } from '../snapshot/access/writes/try-writes.ts'
import { keyOf, partsOf } from './finding-key.ts'

export type AccessBetween = {
  /** What was seen on before. */
  readonly access: AccessFacts
  /** What was seen after all migrations, by the same identities. Where it is known, rows are looked for with those alone who gained or lost some. */
  readonly later?: AccessFacts | undefined
  /** The names of those two databases: they are not asked again. */
  readonly names: { readonly before: string; readonly after: string }
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/** Compares access between two states, for the findings sought only. Each state is read once for the same objects. */
export function accessBetween({ access, later, names, clone, signal }: AccessBetween) {
  const seen = new Map<string, Promise<AccessFacts>>()
  const concerned = later === undefined ? access : concernedBy(access, later)
  const accessOf = (database: Database, only: ReadonlySet<string>, like: AccessFacts) => {
    const key = [database.name, like === access ? 'all' : 'concerned', ...[...only].sort()].join('\0')
    const whole = database.name === names.before ? access : database.name === names.after ? later : undefined
    const known =
      seen.get(key) ??
      (whole === undefined
        ? takeAccess(database, access.identities, { signal, like, only })
        : Promise.resolve(partOf(whole, only, like)))
    seen.set(key, known)
    return known
  }
  return async (from: Database, to: Database, keys: readonly string[]): Promise<Finding[]> => {
    const objects = new Set(keys.map((key) => partsOf(key).object))
    const isOfRows = keys.every((key) => /^access\.rows-(gained|lost)$/.test(partsOf(key).kind))
    const like = isOfRows ? concerned : access
    const was = await accessOf(from, objects, like)
    const is = await accessOf(to, objects, like)
    const differences = await takeAccessDifferences(
      { database: from, facts: was },
      { database: to, facts: is },
      { signal },
    )
    const { findings } = compareAccess(was, is, differences)
    const seen = new Set(findings.map(keyOf))
    const isTouched = JSON.stringify(was.policies) !== JSON.stringify(is.policies)
    if (isTouched && keys.some((key) => partsOf(key).kind.endsWith('-gained') && !seen.has(key))) {
      // Whether anybody puts a policy to the proof is known only once all were asked.
      const before = { database: from, facts: await accessOf(from, objects, access) }
      const after = { database: to, facts: await accessOf(to, objects, access) }
      const madeUp = await tryMadeUp(before, after, clone, { signal })
      if (madeUp) findings.push(...madeUpFindings(before.facts, madeUp))
    }
    if (keys.some((key) => partsOf(key).kind.startsWith('access.write-'))) {
      await using old = await clone(from)
      await using now = await clone(to)
      const tried = await tryWrites({ database: old, facts: was }, { database: now, facts: is }, { signal })
      findings.push(...compareWrites(is, tried).findings)
    }
    const relations = new Set([...was.relations, ...is.relations].map(({ name }) => name))
    if ([...objects].some((object) => !relations.has(object))) {
      findings.push(...(await lookAtDefiners(from, to, access.identities, { signal })).findings)
    }
    return findings
  }
}

/** Of facts that are known, what would be taken of these relations, with the probes of `like`. */
function partOf(whole: AccessFacts, only: ReadonlySet<string>, like: AccessFacts): AccessFacts {
  const asked = new Set(like.probes.map(({ relation, identity }) => `${relation}\n${identity}`))
  const known = new Set(like.relations.map(({ name }) => name))
  const isOf = ({ relation }: { readonly relation: string }) => only.has(relation)
  return {
    ...whole,
    relations: whole.relations.filter(({ name }) => only.has(name)),
    policies: whole.policies.filter(isOf),
    probes: whole.probes.filter(
      (probe) => isOf(probe) && (!known.has(probe.relation) || asked.has(`${probe.relation}\n${probe.identity}`)),
    ),
    brokenWrites: whole.brokenWrites.filter(isOf),
  }
}

/** The facts with those probes only whose answers differ later; all of them at a relation where none does. */
function concernedBy(access: AccessFacts, later: AccessFacts): AccessFacts {
  const now = new Map(later.probes.map((probe) => [placeOf(probe), probe]))
  const differ = (probe: Probe) => {
    const other = now.get(placeOf(probe))
    return (
      other === undefined ||
      other.outcome.state !== probe.outcome.state ||
      JSON.stringify(setsOf(other.outcome)) !== JSON.stringify(setsOf(probe.outcome))
    )
  }
  const differing = new Set(access.probes.filter(differ))
  const relations = new Set([...differing].map(({ relation }) => relation))
  return { ...access, probes: access.probes.filter((probe) => !relations.has(probe.relation) || differing.has(probe)) }
}
