import type { Finding } from '../model/finding.ts'
import type { AttributionInput } from './attribute.ts'
import { partsOf } from './finding-key.ts'
import { isInert } from './inert.ts'
import type { Lookers } from './lookers.ts'
import { type States, states } from './states.ts'

/** A migration, and the columns that what it causes is about, as they are called when it comes; none: it is not about columns. */
export type NamedCause = { readonly migration: string; readonly columns: readonly string[] }

/** Place of a migration among the pending ones. `hidden`: what it does does not show between the ends of a longer stretch. */
type Cause = { readonly at: number; readonly hidden: boolean; readonly columns: readonly string[] }

/**
 * Names of migrations by what they cause. Each stretch of migrations is compared once for everything still wanted in it,
 * and halved where it shows. Where it does not, the stretch may do something and take it back, or take back what one
 * before it did and do it again: it is halved, too, where two of its migrations could. What is found there counts only
 * when it adds to what is different from before, and is not taken back later.
 */
export async function findCauses(
  wanted: ReadonlyMap<string, readonly Finding[]>,
  look: Lookers,
  { before, after, pending, record, clone, signal }: AttributionInput,
): Promise<Map<string, NamedCause[]>> {
  await using chain = states({ before, after, pending, record, clone, signal })
  const causes = new Map<string, Cause[]>()
  const couldHide = (key: string, start: number, end: number) =>
    pending.slice(start, end).filter((file) => !isInert(file, partsOf(key).kind)).length > 1

  /** `sought`: by key, whether it showed between both ends. */
  const search = async (from: number, to: number, sought: ReadonlyMap<string, boolean>): Promise<void> => {
    const middle = Math.floor((from + to) / 2)
    for (const [start, end] of [
      [from, middle],
      [middle, to],
    ] as const) {
      const seen = await look.between(await chain.at(start), await chain.at(end), new Set(sought.keys()))
      const within = new Map<string, boolean>()
      for (const [key, showed] of sought) {
        const found = seen.get(key)
        if (end - start > 1) {
          if (found !== undefined || couldHide(key, start, end)) within.set(key, showed && found !== undefined)
        } else if (found !== undefined && (showed || isOfSameColumns(found, wanted.get(key) ?? []))) {
          causes.set(key, [...(causes.get(key) ?? []), { at: start, hidden: !showed, columns: columnsOf(found) }])
        }
      }
      if (within.size > 0) await search(start, end, within)
    }
    await chain.release(middle)
  }
  await search(0, pending.length, new Map([...wanted.keys()].map((key) => [key, true])))

  const named = new Map<string, NamedCause[]>()
  for (const [key, all] of causes) {
    const kept = all.some(({ hidden }) => hidden) ? await lasting(key, all, look, chain, pending.length) : all
    named.set(
      key,
      kept.map(({ at, columns }) => ({ migration: pending[at]?.name ?? '', columns })),
    )
  }
  return named
}

/** Those whose doing is still there when the next one comes, or in the end. */
async function lasting(
  key: string,
  causes: readonly Cause[],
  look: Lookers,
  chain: States,
  end: number,
): Promise<readonly Cause[]> {
  const only = new Set([key])
  const between = async (from: number, to: number) =>
    from === to ? undefined : (await look.between(await chain.at(from), await chain.at(to), only)).get(key)
  const adding: Cause[] = []
  for (const cause of causes) {
    // What was not there before the deploy, or is only put back, is no difference of the deploy's.
    if (!cause.hidden || grew(await between(0, cause.at), await between(0, cause.at + 1))) adding.push(cause)
  }
  if (!adding.some(({ hidden }) => hidden)) return adding
  const kept: Cause[] = []
  for (const [index, cause] of adding.entries()) {
    const until = adding[index + 1]?.at ?? end
    if (until - cause.at === 1 || (await between(cause.at, until)) !== undefined) kept.push(cause)
  }
  return kept
}

/** Whether there is something in `is` that was not in `was`. Rows that are not all known may be others. */
function grew(was: readonly Finding[] = [], is: readonly Finding[] = []): boolean {
  return is.some((finding) => {
    const others = was.filter(({ columns = [] }) => columns.join() === (finding.columns ?? []).join())
    const rows = others.map((other) => other.rows)
    if (finding.rows?.complete && rows.every((set) => set?.complete)) {
      const known = new Set(rows.flatMap((set) => set?.keys ?? []).map((key) => JSON.stringify(key)))
      return finding.rows.keys.some((key) => !known.has(JSON.stringify(key)))
    }
    const told = ({ title, evidence }: Finding) => JSON.stringify([title, evidence])
    return !others.some((other) => told(other) === told(finding))
  })
}

function columnsOf(found: readonly Finding[]): readonly string[] {
  const columns = found.map((finding) => finding.columns ?? [])
  return columns.some((own) => own.length === 0) ? [] : [...new Set(columns.flat())]
}

function isOfSameColumns(found: readonly Finding[], wanted: readonly Finding[]): boolean {
  const columns = new Set(wanted.flatMap(({ columns = [] }) => columns))
  return columns.size === 0 || found.some((finding) => finding.columns?.some((column) => columns.has(column)) ?? true)
}
