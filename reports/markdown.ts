import type { KeptMails } from '../harness/model/kept-mail.ts'
import type { ReportDocument, ReportFinding } from './schema.ts'
import {
  checkSigns,
  checkState,
  findingState,
  metricLabels,
  metricSigns,
  objectOf,
  sayCount,
  sayDuration,
  sayMoment,
  sayNumber,
  verdictWords,
} from './wording.ts'

const banner = { go: '🟢', 'no-go': '🔴', inconclusive: '🟡' } as const
const boxes = { done: '[x]', failed: '[ ] ❌', manual: '[ ] 👤', 'not run': '[ ] ❔' } as const
const outcomes = {
  regressed: '❌ regressed',
  fails: '❌ fails on both',
  fixed: '✅ fixed',
  same: '✅ same',
  passes: '✅ passes',
  'not configured': '– not configured',
  'not run': '❔ not run',
} as const

/** `report.md`: for a pull request's comment or a job's summary page. `mails`: those that the run kept, named but not linked. */
export function renderMarkdown(document: ReportDocument, mails?: KeptMails): string {
  const sections = [
    `# ${banner[document.verdict]} ${verdictWords[document.verdict]}\n\n${escapeMarkdown(document.reason)}`,
    metrics(document),
    findings(document),
    plan(document),
    declared(document),
    migrations(document),
    suites(document),
    mails === undefined ? '' : keptMails(mails),
    restore(document),
    provenance(document),
  ]
  return `${sections.filter(Boolean).join('\n\n')}\n`
}

function metrics({ metrics, findings }: ReportDocument): string {
  const rows = metrics.map(({ name, status, summary }) => [
    metricLabels[name],
    `${metricSigns[status]} ${status}`,
    summary,
  ])
  const checks = metrics.flatMap((metric) =>
    metric.checks.map((check) => {
      const state = checkState(check, metric, findings)
      return [
        check.title,
        metricLabels[metric.name],
        `${checkSigns[state]} ${state}`,
        check.summary ?? check.reason ?? '',
      ]
    }),
  )
  return `## Success metrics\n\n${table(['Metric', 'Status', 'In one sentence'], rows)}\n\n${fold(`${sayCount(checks.length, 'check')}`, table(['Check', 'Metric', 'Status', 'Result'], checks))}`
}

function findings({ findings }: ReportDocument): string {
  if (findings.length === 0) return '## Findings\n\nNone.'
  const blocking = findings.filter((finding) => finding.blocking)
  const others = findings.filter((finding) => !finding.blocking)
  const rows = others.map((finding) => [
    findingState(finding),
    `\`${finding.kind}\``,
    code(objectOf(finding)),
    finding.title,
  ])
  return [
    `## Findings\n\n${blocking.length === 0 ? 'Nothing blocks.' : `${sayCount(blocking.length, 'finding blocks', 'findings block')} the deploy.`}`,
    ...blocking.map(blockingFinding),
    rows.length > 0
      ? fold(sayCount(rows.length, 'other finding'), table(['State', 'Kind', 'Object', 'What'], rows))
      : '',
  ]
    .filter(Boolean)
    .join('\n\n')
}

function blockingFinding(finding: ReportFinding): string {
  const { where, migration } = finding
  const place = where ? `${where.file}:${where.line}` : migration
  return [
    `### ❌ ${escapeMarkdown(finding.title)}`,
    `\`${finding.kind}\` on ${code(objectOf(finding))}${place ? `, ${code(place)}` : ''}`,
    `${escapeMarkdown(finding.why)}`,
    `**What to do:** ${escapeMarkdown(finding.fix ?? finding.advice)}`,
    finding.expectation
      ? `When it is meant, paste this into ${finding.migration ? code(finding.migration) : 'the migration'}:\n\n${block(finding.expectation, 'sql')}`
      : '',
    finding.evidence.length > 0 ? fold('Evidence', block(finding.evidence.join('\n'))) : '',
  ]
    .filter(Boolean)
    .join('\n\n')
}

function plan({ plan }: ReportDocument): string {
  const phases = [...new Set(plan.map(({ phase }) => phase))]
  const done = plan.filter(({ status }) => status === 'done').length
  const lists = phases.map((phase) => {
    const items = plan.filter((item) => item.phase === phase)
    return `**${escapeMarkdown(phase)}**\n\n${items.map(({ status, text, evidence }) => `- ${boxes[status]} ${escapeMarkdown(text)}: *${status}.* ${escapeMarkdown(evidence)}`).join('\n')}`
  })
  return plan.length === 0
    ? ''
    : `## The plan\n\n${done} of ${plan.length} done.\n\n${fold('Checklist', lists.join('\n\n'))}`
}

function declared({ expectations, waivers }: ReportDocument): string {
  const rows = [
    ...expectations.map((each) => [
      'expected',
      `\`${each.kind}\``,
      code(objectOf({ ...each, columns: each.column ? [each.column] : undefined })),
      `${each.reason} (${each.migration}:${each.line})`,
      each.matched > 0 ? `covers ${each.matched}` : 'matches nothing',
    ]),
    ...waivers.map(({ kind, object, owner, until, reason, state }) => [
      'waived',
      `\`${kind}\``,
      code(object),
      `${reason} (${owner}, until ${until})`,
      state,
    ]),
  ]
  return rows.length === 0 ? '' : `## Declared and waived\n\n${table(['', 'Kind', 'Object', 'Reason', 'State'], rows)}`
}

function migrations({ migrations }: ReportDocument): string {
  const rows = migrations.map(({ name, status, statements, milliseconds, failure }) => [
    code(name),
    status,
    String(statements),
    milliseconds === undefined ? '' : sayDuration(milliseconds),
    failure ? `${failure.sqlstate} at line ${failure.line}: ${failure.message}` : '',
  ])
  return rows.length === 0 ? '' : `## Migrations\n\n${table(['File', 'Status', 'Statements', 'Time', ''], rows)}`
}

function suites({ suites }: ReportDocument): string {
  if (!suites) return ''
  const rows = suites.tests.map(({ suite, name, before, after, outcome }) => [
    suite,
    name,
    before,
    after,
    outcomes[outcome],
  ])
  return `## Suites\n\n${fold(sayCount(rows.length, 'test'), table(['Suite', 'Test', 'Before', 'After', 'Outcome'], rows))}`
}

function restore({ restore }: ReportDocument): string {
  if (!restore) return ''
  const { entries, notRestored, tables, masking } = restore
  const loaded = tables.reduce((sum, { rowsLoaded }) => sum + rowsLoaded, 0)
  const rows = notRestored.map(({ type, schema, name, fate, reason }) => [
    type,
    code(schema ? `${schema}.${name}` : name),
    fate,
    reason ?? '',
  ])
  return [
    `## Restore\n\n${sayNumber(entries.restored)} of ${sayCount(entries.total, 'entry', 'entries')} restored, ${entries.stubbed} stubbed, ${entries.refused} refused, ${entries.failed} failed; ${sayNumber(loaded)} rows of ${sayCount(tables.length, 'table')} loaded.`,
    rows.length > 0 ? fold('Entries that were not restored', table(['Type', 'Name', 'Fate', 'Reason'], rows)) : '',
    masking === undefined ? '' : masked(masking),
  ]
    .filter(Boolean)
    .join('\n\n')
}

function masked({ columns }: NonNullable<NonNullable<ReportDocument['restore']>['masking']>): string {
  const values = columns.reduce((sum, column) => sum + column.values, 0)
  const rows = columns.map(({ table: name, column, as, reason, values: own }) => [
    code(`${name}(${column})`),
    as,
    reason,
    sayNumber(own),
  ])
  return fold(
    `${sayNumber(values)} values of ${sayCount(columns.length, 'column')} masked`,
    table(['Column', 'Masked as', 'Because of', 'Values'], rows),
  )
}

function keptMails({ page, mails }: KeptMails): string {
  return `The ${sayCount(mails, 'mail')} of this run ${mails === 1 ? 'is' : 'are'} in \`${page}\`, on the machine of the run only: it holds addresses.`
}

function provenance({ provenance, stages }: ReportDocument): string {
  const { tool, engine, dumps, gitCommit, seed, startedAt, milliseconds } = provenance
  const facts = [
    `${tool.name} ${tool.version}`,
    engine ? `PostgreSQL ${engine.serverVersion} (${engine.name}${engine.image ? `, ${engine.image}` : ''})` : '',
    engine && engine.lacks.length > 0 ? `the server lacks ${escapeMarkdown(engine.lacks.join('; '))}` : '',
    ...dumps.map(({ sha256 }) => `dump sha256 \`${sha256.slice(0, 12)}…\``),
    gitCommit ? `commit \`${gitCommit.slice(0, 12)}\`` : '',
    `seed ${seed}`,
    sayMoment(startedAt),
    `${sayDuration(milliseconds)} (${stages.map(({ name, milliseconds: own }) => `${name} ${own === undefined ? '–' : sayDuration(own)}`).join(', ')})`,
  ]
  return `---\n\n${facts.filter(Boolean).join(' · ')}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** A cell that is code already keeps its signs, but for the bar that would end it. */
function cell(text: string): string {
  const safe = /^`[^`]*`$/.test(text) ? text.replace(/\|/g, '\\|') : escapeMarkdown(text)
  return safe.replace(/\s*\n\s*/g, ' ')
}

function fold(summary: string, body: string): string {
  return `<details><summary>${escapeMarkdown(summary)}</summary>\n\n${body}\n\n</details>`
}

/** A fence longer than any run of backticks inside. */
function block(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

function code(text: string): string {
  return `\`${text.replace(/`/g, "'").replace(/\n/g, ' ')}\``
}

function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]|]/g, '\\$&')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}
