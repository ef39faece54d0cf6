import type { ReportDocument } from '../schema.ts'
import { sayBytes, sayCount, sayMoment } from '../wording.ts'
import { table } from './table.ts'
import { html, type Markup } from './template.ts'

/** What the verdict was reached on: it holds for exactly this, and for nothing else. */
export function provenanceSection({ provenance }: ReportDocument): Markup {
  const { tool, engine, dumps, migrations, functions, config, gitCommit, seed, node, platform, startedAt } = provenance
  const facts: readonly (readonly [string, Markup | string | undefined])[] = [
    ...dumps.map(({ path, sha256, bytes }) => ['Dump', hashed(`${path} (${sayBytes(bytes)})`, sha256)] as const),
    ['Functions', functions && hashed(functions.path, functions.sha256)],
    ['Config', config && hashed(config.path, config.sha256)],
    ['Git commit', gitCommit === undefined ? undefined : html`<code>${gitCommit}</code>`],
    [
      'Server',
      engine && `PostgreSQL ${engine.serverVersion}, engine ${engine.name}${engine.image ? `, ${engine.image}` : ''}`,
    ],
    ['The server lacks', engine && engine.lacks.length > 0 ? engine.lacks.join('; ') : undefined],
    ['Tool', `${tool.name} ${tool.version}, Node ${node}, ${platform}`],
    ['Seed', String(seed)],
    ['Started', sayMoment(startedAt)],
  ]
  return html`<section id="provenance" aria-labelledby="provenance-title">
<h2 id="provenance-title">What the verdict stands on <small>it holds for this input only</small></h2>
<div class="stack">
<dl class="card facts">${facts.map(([name, value]) => value !== undefined && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${
  migrations.length > 0 &&
  html`<details class="card"><summary>SHA-256 of ${sayCount(migrations.length, 'migration')}</summary>${table(
    'As they were rehearsed.',
    [{ title: 'File' }, { title: 'SHA-256' }],
    migrations.map(({ name, sha256 }) => [html`<code>${name}</code>`, html`<code>${sha256}</code>`]),
  )}</details>`
}
</div></section>`
}

function hashed(path: string, sha256: string): Markup {
  return html`${path}<br><code>${sha256}</code>`
}
