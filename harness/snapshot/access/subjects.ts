import type { AccessFacts } from './facts.ts'

/** Who a role is, for the start of a sentence. */
export function subject(role: string): string {
  return role === 'authenticated' ? 'Authenticated users' : role
}

/**
 * Those concerned, by what they have in common and the fewest others have: `Viewers of an event`; `Authenticated users`
 * where all who were asked are concerned, or nothing tells them from the others. With how many of those were asked.
 */
export function subjectOf(
  { identities }: Pick<AccessFacts, 'identities'>,
  concerned: readonly number[],
  asked: readonly number[],
  role: string,
): { readonly who: string; readonly asked: number } {
  const everyone = { who: subject(role), asked: asked.length }
  if (concerned.length === 0 || concerned.length === asked.length) return everyone
  const traitsOf = (index: number) => (identities[index]?.traits ?? []).map(({ many }) => many)
  const [first = 0, ...others] = concerned
  const common = traitsOf(first).filter((trait) => others.every((other) => traitsOf(other).includes(trait)))
  const having = (trait: string) => asked.filter((index) => traitsOf(index).includes(trait)).length
  const telling = common
    .map((trait) => ({ trait, people: having(trait) }))
    // A trait that many others have as well says nothing of who is concerned.
    .filter(({ people }) => people <= concerned.length * 1.5 && people < asked.length)
    .toSorted((a, b) => a.people - b.people)[0]
  if (telling === undefined) return everyone
  return { who: telling.trait.replace(/^./, (letter) => letter.toUpperCase()), asked: telling.people }
}
