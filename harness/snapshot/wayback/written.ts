import type { Finding } from '../../model/finding.ts'

/** What the app wrote to one table after the deploy. No value: hashes only. */
export type Written = {
  readonly object: string
  readonly oid: number
  readonly key: readonly string[]
  readonly rows: readonly WrittenRow[]
}

export type WrittenRow = {
  readonly key: readonly string[]
  /** The app made the row, rather than edited it. */
  readonly isNew: boolean
  readonly cells: readonly WrittenCell[]
}

/** MD5 of the value's text, in hex; empty for NULL. */
export type WrittenCell = {
  readonly name: string
  readonly position: number
  readonly type: string
  readonly hash: string
}

/** What is left of a written table after some rollback scripts. */
export type Left = { readonly object: string } & (
  | { readonly state: 'gone' }
  | {
      readonly state: 'there'
      readonly rowsGone: number
      /** Of the rows that are there: columns that are gone, or that hold another value, with how many values each. */
      readonly columnsGone: ReadonlyMap<string, number>
      readonly columnsChanged: ReadonlyMap<string, number>
    }
)

/** What went with one rollback script that was there before it, as warnings. Pure. */
export function lossFindings(
  written: readonly Written[],
  before: readonly Left[] | undefined,
  after: readonly Left[],
  migration: string,
): readonly Finding[] {
  return after.flatMap((left): readonly Finding[] => {
    const table = written.find(({ object }) => object === left.object)
    const was = before?.find(({ object }) => object === left.object)
    if (!table || was?.state === 'gone') return []
    const count = table.rows.length
    const make = (title: string, evidence: readonly string[], columns?: readonly string[]): Finding => ({
      kind: 'rollback.loses-new-data',
      object: table.object,
      ...(columns ? { columns } : {}),
      title,
      evidence,
      migration,
    })
    if (left.state === 'gone') {
      return [
        make(
          `Taking ${migration} back drops ${table.object}, and with it all that is entered there after the deploy.`,
          [`${rowsOf(count)} that the app wrote on a copy ${count === 1 ? 'is' : 'are'} gone with the table.`],
        ),
      ]
    }
    const findings: Finding[] = []
    const gone = left.rowsGone - (was?.rowsGone ?? 0)
    if (gone > 0) {
      findings.push(
        make(`Taking ${migration} back deletes rows of ${table.object} that are entered after the deploy.`, [
          `${gone} of ${rowsOf(count)} that the app wrote on a copy ${gone === 1 ? 'is' : 'are'} gone.`,
        ]),
      )
    }
    for (const [kind, words] of [
      ['columnsGone', ['drops column', 'and with it what is entered there', 'gone']],
      ['columnsChanged', ['overwrites column', 'also where it is edited', 'overwritten']],
    ] as const) {
      for (const [column, values] of left[kind]) {
        const fresh = values - (was?.[kind].get(column) ?? 0)
        if (fresh <= 0) continue
        const title = `Taking ${migration} back ${words[0]} ${column} of ${table.object}, ${words[1]} after the deploy.`
        findings.push(
          make(
            title,
            [
              `${fresh} value${fresh === 1 ? '' : 's'} that the app wrote on a copy ${fresh === 1 ? 'is' : 'are'} ${words[2]}.`,
            ],
            [column],
          ),
        )
      }
    }
    return findings
  })
}

const rowsOf = (count: number) => `${count} row${count === 1 ? '' : 's'}`
