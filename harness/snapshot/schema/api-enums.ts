import type { Finding } from '../../model/finding.ts'
import type { ApiFacts } from './api-facts.ts'
import type { ApiType } from './api-types.ts'

/** Values that clients could read, write and filter by, and that their type no longer knows: one finding for each type. Pure. */
export function enumFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
  const now = new Map([...usesOf(after)].map(([name, { type }]) => [name, type]))
  return [...usesOf(before)].flatMap(([name, { type, places }]): Finding[] => {
    const other = now.get(name)
    const gone = other === undefined ? [] : type.labels.filter((label) => !other.labels.includes(label))
    if (gone.length === 0) return []
    const values = gone.map((label) => `"${label}"`).join(', ')
    return [
      {
        kind: 'feature.api-removed',
        object: name,
        title: `The type ${name} no longer has the ${gone.length === 1 ? 'value' : 'values'} ${values}: clients that send or compare with ${gone.length === 1 ? 'it' : 'them'} fail.`,
        evidence: [`Used by ${places.join(', ')}.`],
      },
    ]
  })
}

function usesOf({ relations, functions }: ApiFacts): ReadonlyMap<string, { type: ApiType; places: readonly string[] }> {
  const uses = [
    ...relations.flatMap(({ object, types }) =>
      Object.entries(types).map(([column, type]) => ({ type, place: `${object}(${column})` })),
    ),
    ...functions.flatMap(({ name, args, result }) => [
      ...args.map(({ type }) => ({ type, place: name })),
      { type: result, place: name },
    ]),
  ]
  const found = new Map<string, { type: ApiType; places: string[] }>()
  for (const { type, place } of uses) {
    if (type.enum === undefined) continue
    const known = found.get(type.enum)
    if (known === undefined) found.set(type.enum, { type, places: [place] })
    else if (!known.places.includes(place)) known.places.push(place)
  }
  return found
}
