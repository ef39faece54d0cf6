import type { ReportDocument } from '../schema.ts'
import { sayBytes, sayCount, sayDuration, sayNumber } from '../wording.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

type Statement = NonNullable<ReportDocument['migrations'][number]['trace']>[number] & { readonly file: string }
type Lock = NonNullable<Statement['locks']>[number] & { readonly statement: Statement }

const shown = 10
/** From the weakest of those that keep anybody waiting. */
const strong = ['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE']
const stops = (mode: string) => (mode === 'ACCESS EXCLUSIVE' ? 'reads and writes' : 'writes')

/** The slowest statements, and the locks on existing tables that kept users waiting the longest. */
export function statementTables({ migrations }: ReportDocument): Markup | undefined {
  const statements = migrations.flatMap(({ name, trace = [] }) =>
    trace.map((one): Statement => ({ ...one, file: name })),
  )
  if (statements.length === 0) return undefined
  const slowest = statements.toSorted((one, other) => other.milliseconds - one.milliseconds).slice(0, shown)
  const locks = statements
    .flatMap((statement) => (statement.locks ?? []).map((lock): Lock => ({ ...lock, statement })))
    .filter(({ existed, mode }) => existed && strong.includes(mode))
    .sort((one, other) => other.heldMs - one.heldMs || strong.indexOf(other.mode) - strong.indexOf(one.mode))
  return html`<details class="card"><summary>Slowest of ${sayCount(statements.length, 'statement')}</summary>${table(
    'What a statement wrote includes its triggers and functions.',
    [
      { title: 'Statement' },
      { title: 'Time', numeric: true },
      { title: 'Rows', numeric: true },
      { title: 'Log', numeric: true },
      { title: 'Growth', numeric: true },
      { title: 'Remarks' },
    ],
    slowest.map((statement) => [
      placeOf(statement),
      sayDuration(statement.milliseconds),
      sayNumber(
        (statement.rows ?? []).reduce((sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted, 0),
      ),
      sayBytes(statement.walBytes),
      sayBytes(statement.sizeBytes),
      (statement.rewrites ?? []).map((name) => `rewrites ${name}`).join('; '),
    ]),
  )}</details>
<details class="card"><summary>${locks.length === 0 ? 'No lock on an existing table kept users out' : `Longest of ${sayCount(locks.length, 'lock')} that keep users out`}</summary>${
    locks.length > 0 &&
    table(
      'A lock is held until its transaction ends.',
      [
        { title: 'Table' },
        { title: 'Held', numeric: true },
        { title: 'Stops' },
        { title: 'Lock' },
        { title: 'Statement' },
      ],
      locks
        .slice(0, shown)
        .map(({ object, heldMs, mode, statement }) => [
          html`<code>${object}</code>`,
          sayDuration(heldMs),
          stops(mode),
          mode,
          placeOf(statement),
        ]),
    )
  }</details>`
}

function placeOf({ file, line }: Statement): Markup {
  return html`<code>${file}:${line}</code>`
}
