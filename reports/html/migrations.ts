import type { ReportDocument } from '../schema.ts'
import { sayCount, sayDuration, sayNumber } from '../wording.ts'
import { statementTables } from './statements.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

type Migration = ReportDocument['migrations'][number]

const states = {
  applied: ['good', '✓ applied'],
  failed: ['bad', '✗ failed'],
  'rolled back': ['bad', '✗ rolled back'],
  'not run': ['open', '? not run'],
} as const
const ways = {
  applied: ['good', '✓ works'],
  failed: ['bad', '✗ failed'],
  'rolled back': ['bad', '✗ failed'],
  missing: ['open', '! missing'],
  'not run': ['open', '? not run'],
} as const

/** Each pending migration: what became of it, how long it took, and whether its way back works. */
export function migrationsSection(document: ReportDocument): Markup | undefined {
  const { migrations, rollback } = document
  if (migrations.length === 0) return undefined
  const failures = migrations.flatMap(({ name, failure }) => (failure ? [{ name, failure }] : []))
  const backward = (rollback?.scripts ?? []).flatMap(({ name, failure }) =>
    failure ? [{ name: `rollback/${name}`, failure }] : [],
  )
  return html`<section id="migrations" aria-labelledby="migrations-title">
<h2 id="migrations-title">Migrations <small>${sayCount(migrations.length, 'file')}, in the order of running</small></h2>
<div class="stack">
${[...failures, ...backward].map(
  ({
    name,
    failure,
  }) => html`<article class="card finding bad"><h3>${name} failed at line ${failure.line}, column ${failure.column}</h3>
<p>${failure.message} <span class="soft">(SQLSTATE ${failure.sqlstate})</span></p>${failure.hint !== undefined && html`<p><strong>Hint:</strong> ${failure.hint}</p>`}<pre>${failure.excerpt}</pre></article>`,
)}
${table(
  'Applied to the copy as role postgres, and taken back on a clone.',
  [
    { title: 'File' },
    { title: 'Status' },
    { title: 'Way back' },
    { title: 'Statements', numeric: true },
    { title: 'Time', numeric: true },
    { title: 'Remarks' },
  ],
  migrations.map((migration) => [
    html`<code>${migration.name}</code>`,
    tag(states[migration.status]),
    wayBack(migration, rollback),
    sayNumber(migration.statements),
    migration.milliseconds === undefined ? '' : sayDuration(migration.milliseconds),
    remarks(migration),
  ]),
)}
${statementTables(document)}
</div></section>`
}

function tag([tone, text]: readonly [string, string]): Markup {
  return html`<span class="tag ${tone}">${text}</span>`
}

function wayBack({ name }: Migration, rollback: ReportDocument['rollback']): Markup | string {
  const script = rollback?.scripts.find(({ migration }) => migration === name)
  return script ? tag(ways[script.status]) : '–'
}

function remarks({ atomic, elevated, rows }: Migration): string {
  const parts = [
    atomic ? '' : 'not in one transaction',
    elevated?.length
      ? `${sayCount(elevated.length, 'statement')} run as superuser: ${[...new Set(elevated.map(({ right }) => right))].join(', ')}`
      : '',
    ...(rows ?? []).map(({ table: name, inserted, updated, deleted }) => {
      const counts = [
        inserted && `+${sayNumber(inserted)}`,
        updated && `~${sayNumber(updated)}`,
        deleted && `−${sayNumber(deleted)}`,
      ]
      return `${name} ${counts.filter(Boolean).join(' ')}`
    }),
  ]
  return parts.filter(Boolean).join('; ')
}
