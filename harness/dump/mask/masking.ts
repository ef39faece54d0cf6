import { randomBytes } from 'node:crypto'
import type { Connection } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import type { MaskConfig } from '../../model/config.ts'
import type { MaskedColumn, MaskingRun } from '../../model/restore-run.ts'
import { release } from '../archive/pieces.ts'
import type { Dump, DumpData, TocEntry } from '../dump.ts'
import { CopyMasker, type FieldMask } from './copy-masker.ts'
import { takeMaskFacts } from './facts.ts'
import { fieldMask } from './field-mask.ts'
import { KeyedHash } from './keyed-hash.ts'
import { createMasks, type Masks } from './masks.ts'
import { type PlannedMask, planMasks } from './plan.ts'
import { copyColumns, referencesIn } from './references.ts'
import { sampleValues } from './sample.ts'
import { type MaskWords, maskWords } from './words.ts'

export type MaskSetup = {
  readonly config: MaskConfig
  /** Key of the masks. Without one, a random one that is forgotten with the run. */
  readonly key?: string
  /** Addresses that stay, with the password hashes of their accounts. */
  readonly keep: readonly string[]
}

/** The data of a dump as it may reach the copy, and an account of what was replaced. */
export class Masking {
  /** Takes the place of the dump's own: rows come out masked. */
  readonly data: DumpData
  readonly #key: MaskingRun['key']
  readonly #plan: ReadonlyMap<string, readonly PlannedMask[]>
  readonly #masks: Masks
  /** By table: the columns that its entry holds, and how many values of each were replaced. */
  readonly #counts = new Map<number, { readonly entry: TocEntry; readonly columns: string[]; counts: number[] }>()

  readonly #columnsOf: (entry: TocEntry) => string[]

  private constructor(
    dump: Dump,
    plan: readonly PlannedMask[],
    masks: Masks,
    options: { readonly key: MaskingRun['key']; readonly columnsOf: (entry: TocEntry) => string[] },
  ) {
    this.#columnsOf = options.columnsOf
    this.#plan = Map.groupBy(plan, ({ table }) => table)
    this.#masks = masks
    this.#key = options.key
    const entries = new Map(dump.entries.map((entry) => [entry.id, entry]))
    const { data } = dump
    this.data = {
      form: (id) => data.form(id),
      bytes: (id) => data.bytes(id),
      largeObjects: (id) => data.largeObjects(id),
      rows: (id) => {
        const entry = entries.get(id)
        return entry === undefined ? data.rows(id) : this.#rows(entry, data)
      },
    }
  }

  /**
   * Decides what is masked, once the tables are there: by the config, by what the platform keeps, and by looking at names,
   * types and a sample of each table's values. Throws `config.invalid`.
   */
  static async plan(dump: Dump, connection: Connection, setup: MaskSetup, looked: Promise<Looked>): Promise<Masking> {
    const tables = await takeMaskFacts(connection)
    const byName = new Map(tables.map((table) => [table.table, table.columns]))
    const columnsOf = (entry: TocEntry) =>
      copyColumns(entry.copyStatement) ??
      (byName.get(tableOf(entry)) ?? []).filter(({ isGenerated }) => !isGenerated).map(({ name }) => name)
    const { samples, words } = await looked
    const byColumn = new Map<string, readonly string[]>()
    for (const { entry, values } of samples)
      for (const [at, column] of columnsOf(entry).entries())
        byColumn.set(`${tableOf(entry)}\0${column}`, values[at] ?? [])
    const plan = planMasks(
      setup.config,
      tables,
      (table, column) => byColumn.get(`${table}\0${column}`) ?? [],
      referencesIn(dump.entries),
    )
    const keyed = new KeyedHash(setup.key ?? randomBytes(32).toString('hex'))
    const masks = createMasks(keyed, words, { keep: setup.keep, limits: plan.limits })
    return new Masking(dump, plan.masks, masks, { key: setup.key === undefined ? 'random' : 'given', columnsOf })
  }

  run(): MaskingRun {
    const columns = [...this.#counts.values()].flatMap(({ entry, columns, counts }): MaskedColumn[] => {
      const table = tableOf(entry)
      return (this.#plan.get(table) ?? []).flatMap(({ column, as, reason }) => {
        const at = columns.indexOf(column.name)
        const values = counts[at] ?? 0
        if (at < 0 || (as === 'mentions' && values === 0)) return []
        return [{ table: displayName(entry.schema ?? '', entry.name), column: column.name, as, reason, values }]
      })
    })
    const key = ({ table, column }: MaskedColumn) => `${table}\0${column}`
    return { key: this.#key, columns: columns.sort((a, b) => (key(a) < key(b) ? -1 : 1)) }
  }

  /** Of a table whose rows Postgres refused: the columns that hold masks, where these may be why. */
  columnsOf(table: string): string[] {
    const masks = this.#plan.get(table) ?? []
    return masks.filter(({ as }) => as !== 'mentions').map(({ column, as }) => `${column.name} (${as})`)
  }

  async *#rows(entry: TocEntry, data: DumpData): AsyncGenerator<Buffer> {
    const columns = this.#columnsOf(entry)
    const row = { keepsPassword: false }
    const fields = this.#fields(tableOf(entry), columns, row)
    const masker = new CopyMasker(fields, () => {
      row.keepsPassword = false
    })
    this.#counts.set(entry.id, { entry, columns, counts: masker.counts })
    if (fields.every((field) => field === undefined)) return yield* data.rows(entry.id)
    for await (const piece of data.rows(entry.id)) {
      const masked = masker.push(piece)
      if (masked !== piece) release(piece)
      if (masked.length > 0) yield masked
    }
    const rest = masker.end()
    if (rest.length > 0) yield rest
  }

  #fields(table: string, columns: readonly string[], row: { keepsPassword: boolean }): (FieldMask | undefined)[] {
    const byName = new Map((this.#plan.get(table) ?? []).map((mask) => [mask.column.name, mask]))
    return columns.map((name): FieldMask | undefined => {
      const planned = byName.get(name)
      if (planned === undefined) return undefined
      const field = fieldMask(this.#masks, planned)
      if (planned.as === 'password') return { mask: (value) => (row.keepsPassword ? value : field.mask(value)) }
      if (table !== 'auth.users' || name !== 'email') return field
      // Accounts of the team log in with their passwords, so the hashes of these have to stay.
      return {
        mask: (value) => {
          row.keepsPassword = this.#masks.keeps(value)
          return field.mask(value)
        },
      }
    })
  }
}

function tableOf({ schema = '', name }: TocEntry): string {
  return `${schema}.${name}`
}

/** What masks need of the dump alone. */
export type Looked = {
  readonly words: MaskWords
  /** Values of each table by position of the column; none where nothing is looked for. */
  readonly samples: readonly { readonly entry: TocEntry; readonly values: readonly (readonly string[])[] }[]
}

/** Reads what `Masking.plan` needs of the dump, while the server still makes the tables. Throws `dump.corrupt`, `aborted`. */
export async function lookForMasks(dump: Dump, { config }: MaskSetup, signal?: AbortSignal): Promise<Looked> {
  const words = await maskWords()
  const samples: { entry: TocEntry; values: string[][] }[] = []
  for (const entry of config.find === false ? [] : dump.entries) {
    if (entry.type !== 'TABLE DATA' || dump.data.form(entry.id) !== 'copy') continue
    throwIfAborted(signal, 'looking for personal data')
    samples.push({ entry, values: await sampleValues(dump.data, entry.id) })
  }
  return { words, samples }
}
