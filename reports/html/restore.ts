import type { ReportDocument } from '../schema.ts'
import { sayBytes, sayCount, sayNumber } from '../wording.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

type Restore = NonNullable<ReportDocument['restore']>

const fates = { stubbed: 'note', refused: 'open', failed: 'bad' } as const

/** What became of the dump: every entry, every table's rows, every extension. */
export function restoreSection({ restore }: ReportDocument): Markup | undefined {
  if (!restore) return undefined
  const { entries, dump, tables } = restore
  const loaded = tables.reduce((sum, { rowsLoaded }) => sum + rowsLoaded, 0)
  const figures: readonly (readonly [string, number])[] = [
    ['entries restored', entries.restored],
    ['stubbed', entries.stubbed],
    ['refused', entries.refused],
    ['failed', entries.failed],
    ['tables', tables.length],
    ['rows loaded', loaded],
  ]
  return html`<section id="restore" aria-labelledby="restore-title">
<h2 id="restore-title">Restore <small>${dump.format} dump of PostgreSQL ${dump.serverVersion}, ${sayBytes(dump.bytes)}, ${sayCount(entries.total, 'entry', 'entries')}</small></h2>
<div class="stack">
<dl class="card figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${sayNumber(value)}</dd></div>`)}</dl>
${notRestored(restore)}
${extensions(restore)}
${masking(restore)}
<details class="card"><summary>Rows of ${sayCount(tables.length, 'table')}</summary>${table(
    'Rows in the archive against rows on the copy.',
    [{ title: 'Table' }, { title: 'In the archive', numeric: true }, { title: 'Loaded', numeric: true }, { title: '' }],
    tables.map(({ schema, name, rowsInArchive, rowsLoaded }) => [
      html`<code>${schema}.${name}</code>`,
      sayNumber(rowsInArchive),
      sayNumber(rowsLoaded),
      rowsInArchive === rowsLoaded
        ? ''
        : html`<span class="tag bad">✗ ${sayNumber(rowsInArchive - rowsLoaded)} missing</span>`,
    ]),
  )}</details>
<details class="card"><summary>Entries by type</summary>${table(
    'Entries of the table of contents.',
    [{ title: 'Type' }, { title: 'In the dump', numeric: true }, { title: 'Restored', numeric: true }],
    restore.types.map(({ type, total, restored }) => [
      html`<code>${type}</code>`,
      sayNumber(total),
      sayNumber(restored),
    ]),
  )}</details>
</div></section>`
}

function notRestored({ notRestored: entries }: Restore): Markup | undefined {
  if (entries.length === 0) return undefined
  return table(
    'Every entry that was not restored as it is, with the reason.',
    [{ title: 'Entry' }, { title: 'Type' }, { title: 'Fate' }, { title: 'Why' }],
    entries.map(({ type, schema, name, fate, reason }) => [
      html`<code>${schema === undefined ? name : `${schema}.${name}`}</code>`,
      type,
      html`<span class="tag ${fates[fate]}">${fate}</span>`,
      reason ?? '',
    ]),
  )
}

function masking({ masking: run }: Restore): Markup | undefined {
  if (run === undefined) return undefined
  const values = run.columns.reduce((sum, column) => sum + column.values, 0)
  return html`<details class="card"><summary>${sayNumber(values)} values of ${sayCount(run.columns.length, 'column')} masked</summary>${table(
    `Personal data that was replaced on its way into the copy, under a ${run.key === 'random' ? 'key that went with this run' : 'key from the environment'}.`,
    [{ title: 'Column' }, { title: 'Masked as' }, { title: 'Because of' }, { title: 'Values', numeric: true }],
    run.columns.map(({ table: name, column, as, reason, values: own }) => [
      html`<code>${name}(${column})</code>`,
      as,
      reason,
      sayNumber(own),
    ]),
  )}</details>`
}

function extensions({ extensions: all, rolesCreated }: Restore): Markup | undefined {
  const others = all.filter(({ mode }) => mode !== 'real')
  const real = all.length - others.length
  const parts = [
    `${real} of ${sayCount(all.length, 'extension')} real`,
    ...others.map(
      ({ name, mode, note }) =>
        `${name} ${mode === 'stub' ? 'is a stand-in' : 'is absent'}${note === undefined ? '' : ` (${note})`}`,
    ),
    rolesCreated.length > 0
      ? `${sayCount(rolesCreated.length, 'role')} made without login: ${rolesCreated.join(', ')}`
      : '',
  ].filter(Boolean)
  return html`<p class="soft">${parts.join('; ')}.</p>`
}
