import type { KeptMails } from '../../harness/model/kept-mail.ts'
import type { ReportDocument } from '../schema.ts'
import { sayDuration, sayMoment, verdictWords } from '../wording.ts'
import { declaredSection } from './declared.ts'
import { findingsSection } from './findings.ts'
import { linkToMails } from './kept-mails.ts'
import { metricsSection } from './metrics.ts'
import { migrationsSection } from './migrations.ts'
import { planSection } from './plan.ts'
import { provenanceSection } from './provenance.ts'
import { restoreSection } from './restore.ts'
import { stagesSection } from './stages.ts'
import { styleSheet } from './style.ts'
import { suitesSection } from './suites.ts'
import { html, type Markup, raw } from './template.ts'

const signs = { go: '✓', 'no-go': '✗', inconclusive: '?' } as const
const icons = { go: '%230a6b3b', 'no-go': '%23a5142a', inconclusive: '%237d5700' } as const

/** `report.html`: one file, without scripts and without a request to anywhere. `mails`: those that the run kept, to link to. */
export function renderHtml(document: ReportDocument, mails?: KeptMails): string {
  const word = verdictWords[document.verdict]
  const sections: readonly (readonly [string, string, Markup | undefined])[] = [
    ['metrics', 'Metrics', metricsSection(document)],
    ['findings', 'Findings', findingsSection(document, linkToMails(document, mails))],
    ['plan', 'Plan', planSection(document)],
    ['declared', 'Declared and waived', declaredSection(document)],
    ['migrations', 'Migrations', migrationsSection(document)],
    ['suites', 'Suites', suitesSection(document, mails)],
    ['restore', 'Restore', restoreSection(document)],
    ['stages', 'Times', stagesSection(document)],
    ['provenance', 'What it stands on', provenanceSection(document)],
  ]
  const shown = sections.filter(([, , section]) => section !== undefined)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${word}: migration rehearsal of ${sayMoment(document.provenance.startedAt)}</title>
<link rel="icon" href="${raw(`data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4' fill='${icons[document.verdict]}'/></svg>`)}">
<style>${raw(styleSheet)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
${banner(document)}
<nav aria-label="Sections of the report"><ul class="wrap">${shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main" class="wrap">
${shown.map(([, , section]) => section)}
</main>
<footer class="wrap">Made by ${document.provenance.tool.name} ${document.provenance.tool.version}. This page holds keys, counts and names, no data of users.</footer>
</body>
</html>
`
  return page.text
}

function banner({ verdict, reason, restore, migrations, provenance }: ReportDocument): Markup {
  const { engine, startedAt, milliseconds } = provenance
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Rehearsed', sayMoment(startedAt)],
    [
      'Copy of production',
      restore &&
        (restore.dump.createdAt
          ? `dumped ${restore.dump.createdAt.slice(0, 16).replace('T', ' ')}`
          : restore.dump.path),
    ],
    ['Pending migrations', String(migrations.length)],
    ['Server', engine && `PostgreSQL ${engine.serverVersion} (${engine.name})`],
    ['Took', sayDuration(milliseconds)],
  ]
  return html`<header class="banner ${verdict}"><div class="wrap">
<p class="product">Greenlight · rehearsal of a production migration</p>
<h1><span class="sign" aria-hidden="true">${signs[verdict]}</span><span>${verdictWords[verdict]}</span></h1>
<p class="reason">${reason}</p>
<dl>${facts.map(([name, value]) => value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</div></header>`
}
