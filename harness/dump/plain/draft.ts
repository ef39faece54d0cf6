import type { TocEntry } from '../dump.ts'
import { sectionOf } from './object-kinds.ts'
import type { ByteRange, ScriptPlace } from './parts.ts'

/** Rows as they stand in a script. Of INSERT statements the range has whole ones, all with the same beginning. */
export type Segment = ByteRange & {
  readonly path: string
  readonly form: 'copy' | 'inserts' | 'large-objects'
  /** `standard_conforming_strings` there. */
  readonly standardStrings: boolean
}

/** An entry while its statements are collected. */
export type Draft = {
  readonly type: string
  readonly schema: string | undefined
  readonly name: string
  owner: string
  readonly place: ScriptPlace
  readonly statements: string[]
  /** Keys by which others find it. */
  readonly keys: string[]
  readonly needs: Set<string>
  /** It stands behind the data, though its kind belongs before it. */
  readonly postponed: boolean
  accessMethod: string
  copyStatement: string
  readonly segments: Segment[]
}

export function newDraft(made: Pick<Draft, 'type' | 'schema' | 'name' | 'owner' | 'place'>): Draft {
  const empty = {
    statements: [],
    keys: [],
    needs: new Set<string>(),
    accessMethod: '',
    copyStatement: '',
    segments: [],
  }
  return { ...made, ...empty, postponed: false }
}

/** Numbers the drafts as a table of contents does, and resolves by name what they need. */
export function toEntries(drafts: readonly Draft[]): { entries: TocEntry[]; segments: Map<number, Segment[]> } {
  const ids = new Map<string, number[]>()
  for (const [i, { keys }] of drafts.entries()) {
    for (const key of keys) ids.set(key, [...(ids.get(key) ?? []), i + 1])
  }
  const segments = new Map<number, Segment[]>()
  const entries = drafts.map((draft, i): TocEntry => {
    const id = i + 1
    if (draft.segments.length > 0) segments.set(id, draft.segments)
    const needed = [...draft.needs].flatMap((key) => [...(ids.get(key) ?? []), ...attachedTo(key, drafts, ids)])
    return {
      id,
      type: draft.type,
      section: sectionOf(draft.type, draft.postponed),
      name: draft.name,
      owner: draft.owner,
      definition: draft.statements.map((statement) => `${statement}\n`).join(''),
      dropStatement: '',
      copyStatement: draft.copyStatement,
      dependencies: [...new Set(needed)].filter((other) => other !== id),
      ...(draft.schema === undefined ? {} : { schema: draft.schema }),
      ...(draft.accessMethod === '' ? {} : { tableAccessMethod: draft.accessMethod }),
    }
  })
  return { entries, segments }
}

/** A unique index of a partitioned table holds once those of all its partitions, and of theirs, are attached to it. */
function attachedTo(key: string, drafts: readonly Draft[], ids: ReadonlyMap<string, readonly number[]>): number[] {
  if (!key.startsWith('unique ')) return []
  const draftsOf = (name: string) => (ids.get(name) ?? []).flatMap((id) => drafts[id - 1] ?? [])
  const indexes = draftsOf(key).flatMap(({ keys }) => keys.filter((name) => name.startsWith('relation ')))
  const seen = new Set<string>()
  const attached = new Set<number>()
  for (let index = indexes.pop(); index !== undefined; index = indexes.pop()) {
    if (seen.has(index)) continue
    seen.add(index)
    for (const id of ids.get(`attached ${index}`) ?? []) attached.add(id)
    for (const { needs } of draftsOf(`attached ${index}`)) indexes.push(...[...needs].slice(0, 1))
  }
  return [...attached]
}
