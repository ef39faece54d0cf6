import type { DatabaseError } from 'pg'
import type { RestoredEntry, RestoredTable } from '../../model/restore-run.ts'
import { displayEntry, type TocEntry } from '../dump.ts'
import type { PlannedEntry, RestorePlan } from '../plan.ts'
import { judgeFailure, type Outcome } from './outcome.ts'

/** Keeps what becomes of every entry: each has its row from the start, and gets its fate once. */
export class Account {
  readonly tables: RestoredTable[] = []
  readonly #plan: RestorePlan
  readonly #entries: ReadonlyMap<number, TocEntry>
  readonly #outcomes = new Map<number, Outcome>()
  /** Ids of entries that are not there, though others may need them. */
  readonly #lost = new Set<number>()

  readonly #masksOf: (table: string) => readonly string[]

  /** `masksOf`: the columns of a table (`schema.table`) that hold masks in the place of what the dump has. */
  constructor(plan: RestorePlan, masksOf: (table: string) => readonly string[] = () => []) {
    this.#plan = plan
    this.#masksOf = masksOf
    this.#entries = new Map(plan.entries.map(({ entry }) => [entry.id, entry]))
    for (const planned of plan.entries) {
      if (planned.phase === 'settings') this.settle(planned)
      if (planned.action === 'stub') this.#outcomes.set(planned.entry.id, outcome('stubbed', planned.reason))
      if (planned.action === 'refuse') this.#lose(planned.entry, outcome('refused', planned.reason))
    }
  }

  /** `error`: a failure of Postgres that the restore goes on after. */
  settle(planned: PlannedEntry, error?: Error): void {
    const { entry, action, reason } = planned
    if (error) {
      const judged = judgeFailure(entry, error as DatabaseError, this.#entries, this.#lost)
      if (judged.fate === 'stubbed') this.#outcomes.set(entry.id, judged)
      else this.#lose(entry, this.#withMasks(entry, error as DatabaseError, judged))
    } else {
      this.#outcomes.set(entry.id, action === 'alter' ? outcome('stubbed', reason) : { fate: 'restored' })
    }
  }

  /** Values that Postgres refuses may be masks that break a rule which the values of the dump keep. */
  #withMasks(entry: TocEntry, { code = '' }: DatabaseError, judged: Outcome): Outcome {
    if (judged.fate !== 'failed' || !/^2[23]/.test(code)) return judged
    const tables = [entry, ...entry.dependencies.flatMap((id) => this.#entries.get(id) ?? [])]
      .filter(({ type }) => type === 'TABLE' || type === 'TABLE DATA')
      .map(({ schema = '', name }) => `${schema}.${name}`)
    const masks = [...new Set(tables)].flatMap((table) => {
      const columns = this.#masksOf(table)
      return columns.length === 0 ? [] : [`${table}: ${columns.join(', ')}`]
    })
    if (masks.length === 0) return judged
    const advice = 'If a mask is why, give the column another kind, or "keep", in mask.tables of the config'
    return { ...judged, reason: `${judged.reason}. Masked columns: ${masks.join('; ')}. ${advice}.` }
  }

  isLost(id: number): boolean {
    return this.#lost.has(id)
  }

  /** In the order of the table of contents. Throws when an entry has no fate: that is a bug. */
  entries(): RestoredEntry[] {
    return this.#plan.entries.map(({ entry }) => {
      const end = this.#outcomes.get(entry.id)
      if (!end) throw new Error(`No fate for ${entry.type} ${displayEntry(entry)} (${entry.id})`)
      return {
        id: entry.id,
        type: entry.type,
        ...(entry.schema === undefined ? {} : { schema: entry.schema }),
        name: entry.name,
        owner: entry.owner,
        fate: end.fate,
        ...(end.reason === undefined ? {} : { reason: end.reason }),
      }
    })
  }

  #lose(entry: TocEntry, end: Outcome): void {
    this.#lost.add(entry.id)
    this.#outcomes.set(entry.id, end)
  }
}

function outcome(fate: Outcome['fate'], reason: string | undefined): Outcome {
  return reason === undefined ? { fate } : { fate, reason }
}
