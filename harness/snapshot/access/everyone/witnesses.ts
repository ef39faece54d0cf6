import type { Database } from '../../../database/engine.ts'
import { type Identity, readTokens } from '../../identities.ts'
import { type AccessFacts, type Probe, placeOf, withProbes } from '../facts.ts'
import { takeAccess } from '../take.ts'
import type { Everyone } from './take.ts'

/**
 * The facts of both sides with a few users more, for whom something was found that no sampled user needs to show: they are
 * asked through row security like the sampled ones, so whatever is told of them was really seen, and can be seen again
 * between any two migrations. Throws `database.failed`, `aborted`.
 */
export async function askWitnesses(
  sides: { readonly before: Database; readonly after: Database; readonly was: AccessFacts; readonly is: AccessFacts },
  everyone: Everyone,
  { signal }: { signal?: AbortSignal } = {},
): Promise<{ readonly was: AccessFacts; readonly is: AccessFacts }> {
  const { before, after, was, is } = sides
  const wanted = everyone.tables.flatMap(({ relation, changes }) =>
    [...new Set(changes.flatMap(({ witnesses }) => witnesses))].map((id) => ({ relation, id })),
  )
  const identities = [...was.identities]
  const tokens = await readTokens(
    before,
    wanted.map(({ id }) => id),
  )
  const indexOf = new Map(identities.map(({ userId }, index) => [userId, index]))
  const questions: Probe[] = []
  const asked = new Set(was.probes.filter(({ only }) => only === undefined).map(placeOf))
  for (const { relation, id } of wanted) {
    const token = tokens.get(id)
    if (token === undefined) continue
    const index = indexOf.get(id) ?? identities.push(witness(id, token)) - 1
    indexOf.set(id, index)
    const outcome = { state: 'denied' } as const
    if (!asked.has(`${relation}\n${index}`)) questions.push({ relation, identity: index, outcome, milliseconds: 0 })
  }
  if (questions.length === 0) return { was, is }
  const only = new Set(questions.map(({ relation }) => relation))
  const ask = async (database: Database, facts: AccessFacts): Promise<AccessFacts> => {
    const like = { ...facts, identities, probes: questions }
    const { probes } = await takeAccess(database, identities, {
      like,
      only,
      ...(signal === undefined ? {} : { signal }),
    })
    // Who was asked about a part of the rows is now asked about all of them.
    return withProbes({ ...facts, identities }, probes)
  }
  return { was: await ask(before, was), is: await ask(after, is) }
}

function witness(userId: string, { role, claims }: Pick<Identity, 'role' | 'claims'>): Identity {
  return { label: 'found among all users', role, claims, kind: 'found among all users', userId }
}
