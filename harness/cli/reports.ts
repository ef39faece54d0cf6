import { join, relative } from 'node:path'
import { renderConsole } from '../../reports/console.ts'
import { toDocument } from '../../reports/document.ts'
import { renderGithub } from '../../reports/github.ts'
import { renderHtml } from '../../reports/html/page.ts'
import { renderJson } from '../../reports/json.ts'
import { renderJunit } from '../../reports/junit.ts'
import { renderMarkdown } from '../../reports/markdown.ts'
import { writeReports } from '../../reports/write.ts'
import type { KeptMails } from '../model/kept-mail.ts'
import type { Rehearsal } from '../model/report.ts'
import { catalogue } from '../verdict/catalogue/catalogue.ts'
import type { RunOptions } from './options.ts'

/** Writes the reports into the run's folder; `stdout` is what the command prints, `mails` those that were kept. Throws `report.unwritable`. */
export async function renderReports(
  rehearsal: Rehearsal,
  { out, cwd }: Pick<RunOptions, 'out' | 'cwd'>,
  { json, color, mails }: { readonly json: boolean; readonly color: boolean; readonly mails?: KeptMails | undefined },
): Promise<{ readonly stdout: string }> {
  const document = toDocument(rehearsal, catalogue)
  const documentText = renderJson(document)
  await writeReports(out, {
    'report.json': documentText,
    'report.md': renderMarkdown(document, mails),
    'report.html': renderHtml(document, mails),
    'junit.xml': renderJunit(document),
  })
  if (json) return { stdout: documentText }
  const report = relative(cwd, join(out, 'report.html'))
  // GitHub reads annotations from the output of a step.
  const annotations = process.env.GITHUB_ACTIONS === 'true' ? renderGithub(document) : ''
  return { stdout: renderConsole(document, { color, report }) + annotations }
}
