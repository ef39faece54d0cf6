import { displayName } from '../../database/identifiers.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'

/** What the Data API says of itself to one role: relations with their columns, and functions that may be called. */
export type Description = {
  readonly relations: ReadonlyMap<string, readonly string[]>
  readonly calls: readonly string[]
}
/** By role; a text where it gave no description: why. */
export type Descriptions = ReadonlyMap<string, Description | string>

/** Reads an OpenAPI document as PostgREST writes it. A text: why it is none. */
export function readDescription(document: unknown): Description | string {
  const { paths, definitions } = Object(document) as { paths?: unknown; definitions?: unknown }
  if (typeof paths !== 'object' || paths === null) return 'it is no OpenAPI document'
  const relations = new Map<string, readonly string[]>()
  const calls: string[] = []
  for (const [path, methods] of Object.entries(paths)) {
    if (path.startsWith('/rpc/')) calls.push(displayName('public', path.slice('/rpc/'.length)))
    else if (path !== '/' && 'get' in Object(methods)) {
      const name = path.slice(1)
      const { properties } = Object(Object(definitions)[name]) as { properties?: object }
      relations.set(displayName('public', name), Object.keys(properties ?? {}))
    }
  }
  return { relations, calls }
}

/**
 * What the API itself no longer describes, beside what is told already from the catalogue: a second witness, which also
 * sees what keeps the API from reading a schema at all. Pure. `told`: objects that other findings name.
 */
export function compareDescriptions(
  before: Descriptions,
  after: Descriptions,
  told: ReadonlySet<string>,
): { readonly findings: readonly Finding[]; readonly check: Check } {
  const check = {
    id: 'features.description',
    metric: 'features',
    title: "The Data API's own description compared",
    required: true,
  } as const
  const silent = [...before, ...after].flatMap(([role, one]) => (typeof one === 'string' ? [`${role}: ${one}`] : []))
  if (silent.length > 0 || before.size === 0) {
    return {
      findings: [],
      check: {
        ...check,
        status: 'not run',
        reason: `The Data API did not describe itself: ${silent[0] ?? 'nobody asked'}.`,
      },
    }
  }
  const gone = new Map<string, string[]>()
  let described = 0
  for (const [role, was] of before) {
    const is = after.get(role)
    if (typeof was === 'string' || is === undefined || typeof is === 'string') continue
    described += was.relations.size + was.calls.length
    const lose = (object: string, text: string) => gone.set(object, [...(gone.get(object) ?? []), `${role}: ${text}`])
    for (const [object, columns] of was.relations) {
      const now = is.relations.get(object)
      const lost = columns.filter((column) => !now?.includes(column))
      if (now === undefined) lose(object, 'it is not described any more.')
      else if (lost.length > 0)
        lose(object, `${lost.join(', ')} ${lost.length === 1 ? 'is' : 'are'} not described any more.`)
    }
    for (const call of was.calls)
      if (!is.calls.includes(call)) lose(call, 'it is not described as a function any more.')
  }
  const findings = [...gone]
    .filter(([object]) => !told.has(object))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(
      ([object, evidence]): Finding => ({
        kind: 'feature.api-removed',
        object,
        title: `The Data API no longer describes ${object}, or a part of it, as it did before.`,
        evidence,
      }),
    )
  return {
    findings,
    check: {
      ...check,
      status: gone.size > 0 ? 'failed' : 'passed',
      summary: `Told to ${[...before.keys()].join(', ')}: ${described} tables, views and functions, of which ${gone.size} lost something.`,
      numbers: { described, descriptionsLost: gone.size },
    },
  }
}
