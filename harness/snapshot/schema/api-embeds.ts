import type { Finding } from '../../model/finding.ts'
import { type ApiFacts, type ApiLink, apiRoles } from './api-facts.ts'

/**
 * `select=*,parent(*)` joins two relations when exactly one foreign key, or one table between them, links them. Says where
 * that was so before and is not after: no link is left (PGRST200), or more than one (PGRST201). Pure.
 */
export function embedFindings(before: ApiFacts, after: ApiFacts): readonly Finding[] {
  const was = linksOf(before)
  const is = linksOf(after)
  return [...was].flatMap(([pair, { child, parent, by }]): Finding[] => {
    const now = is.get(pair)?.by ?? []
    // Where several link them, clients name the one that they mean.
    const left =
      by.length === 1 ? now.length === 1 : by.every((link) => now.some((other) => sayLinked(other) === sayLinked(link)))
    if (left) return []
    if (!stillThere(before, after, child) || !stillThere(before, after, parent)) return []
    const [only] = by
    const columnsGone =
      now.length === 0 && only !== undefined && only.columns.some((column) => isGone(after, only.child, column))
    if (columnsGone) return []
    const [from, to] = [bare(child), bare(parent)]
    const reads = `from('${from}').select('*, ${to}(*)') and from('${to}').select('*, ${from}(*)')`
    return [
      {
        kind: 'feature.api-removed',
        object: child,
        title:
          by.length > 1 && now.length > 0
            ? `${child} and ${parent} cannot be read together any more by one of the foreign keys that link them.`
            : now.length === 0
              ? `${child} and ${parent} cannot be read together any more: no foreign key links them.`
              : `${child} and ${parent} cannot be read together any more without naming the foreign key: ${now.length} link them.`,
        evidence: [
          `Clients that ask ${reads} get ${now.length === 0 ? 'PGRST200' : 'PGRST201'}.`,
          `Before: ${by.map(sayLink).join(', ')}.`,
          ...(now.length === 0 ? [] : [`After: ${now.map(sayLink).join(', ')}.`]),
        ],
      },
    ]
  })
}

type Linked = { readonly child: string; readonly parent: string; readonly by: ApiLink[] }

/** Pairs of relations with what links them: each foreign key, and each table whose key joins the two. */
function linksOf({ links }: ApiFacts): ReadonlyMap<string, Linked> {
  const found = new Map<string, Linked>()
  const add = (child: string, parent: string, link: ApiLink) => {
    const key = [child, parent].sort().join('\0')
    const known = found.get(key) ?? { child, parent, by: [] }
    known.by.push(link)
    found.set(key, known)
  }
  for (const link of links) add(link.child, link.parent, link)
  const joining = Map.groupBy(
    links.filter(({ inKey }) => inKey),
    ({ child }) => child,
  )
  for (const [, own] of joining) {
    for (const [index, left] of own.entries()) {
      for (const right of own.slice(index + 1)) if (left.parent !== right.parent) add(left.parent, right.parent, left)
    }
  }
  return found
}

const sayLinked = ({ child, columns, parent }: ApiLink) => JSON.stringify([child, columns, parent])
const sayLink = ({ name, child, columns }: ApiLink) => `${name} on ${child}(${columns.join(', ')})`

function stillThere(before: ApiFacts, after: ApiFacts, object: string): boolean {
  const readable = ({ relations }: ApiFacts) =>
    apiRoles.filter((role) => relations.some((one) => one.object === object && one.columns[role].length > 0))
  const now = readable(after)
  return readable(before).some((role) => now.includes(role))
}

function isGone({ relations }: ApiFacts, object: string, column: string): boolean {
  return relations.find((one) => one.object === object)?.types[column] === undefined
}

const bare = (object: string) => object.slice(object.indexOf('.') + 1)
