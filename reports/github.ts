import type { ReportDocument, ReportFinding } from './schema.ts'
import { findingState, verdictWords } from './wording.ts'

/**
 * Workflow commands of GitHub Actions, one a line: an annotation for each finding that blocks or warns, at its place in
 * the file where one is known, and one for the verdict.
 */
export function renderGithub(document: ReportDocument): string {
  const level = { go: 'notice', 'no-go': 'error', inconclusive: 'error' } as const
  const verdict = command(
    level[document.verdict],
    { title: `Greenlight: ${verdictWords[document.verdict]}` },
    document.reason,
  )
  const lines = document.findings.flatMap((finding) => annotation(finding) ?? [])
  return `${[verdict, ...lines].join('\n')}\n`
}

function annotation(finding: ReportFinding): string | undefined {
  const state = findingState(finding)
  if (state !== 'blocking' && state !== 'warning') return undefined
  const { where, kind, title, fix, advice, expectation } = finding
  const place = where && {
    file: where.file,
    line: String(where.line),
    ...(where.column && { col: String(where.column) }),
  }
  const text = [title, `What to do: ${fix ?? advice}`, expectation && `When it is meant:\n${expectation}`]
    .filter(Boolean)
    .join('\n')
  return command(state === 'blocking' ? 'error' : 'warning', { ...place, title: kind }, text)
}

function command(
  name: 'error' | 'warning' | 'notice',
  properties: Readonly<Record<string, string>>,
  message: string,
): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `${key}=${escapeData(value).replace(/:/g, '%3A').replace(/,/g, '%2C')}`,
  )
  return `::${name} ${list.join(',')}::${escapeData(message)}`
}

function escapeData(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}
