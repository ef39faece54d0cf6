import { describe, expect, test } from 'vitest'
import { findingKinds } from '../harness/model/finding.ts'
import { catalogue } from '../harness/verdict/catalogue/catalogue.ts'
import { renderConsole } from './console.ts'
import { toDocument } from './document.ts'
import { renderGithub } from './github.ts'
import { renderHtml } from './html/page.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { sampleRehearsal } from './sample.ts'
import type { ReportDocument } from './schema.ts'

const go = toDocument(sampleRehearsal('go'), catalogue)
const noGo = toDocument(sampleRehearsal('no-go'), catalogue)
const open = toDocument(sampleRehearsal('inconclusive'), catalogue)
const odd = `<script>alert("1")</script> & 'x' | \`y\` %0A ]]> \u0000\u001b`

function withTitle(document: ReportDocument, title: string): ReportDocument {
  return { ...document, findings: document.findings.map((finding) => ({ ...finding, title })) }
}

describe('every kind of finding', () => {
  test.each(findingKinds)(
    '%s is shown on the page, in the markdown, and in the terminal and annotations when it blocks',
    (kind) => {
      const [first] = noGo.findings
      if (!first) throw new Error('The sample has findings.')
      const { meaning, why, advice } = catalogue[kind]
      const document = { ...noGo, findings: [{ ...first, kind, meaning, why, advice }] }
      for (const text of [
        renderHtml(document),
        renderMarkdown(document),
        renderConsole(document),
        renderGithub(document),
        renderJunit(document),
      ]) {
        expect(text).toContain(kind)
      }
    },
  )
})

describe('the terminal', () => {
  test.each([go, noGo, open])('stays within 100 columns, but for lines to paste', (document) => {
    for (const line of renderConsole(document, { report: 'reports/out/report.html' }).split('\n')) {
      if (!line.includes('-- greenlight:')) expect(line.length).toBeLessThanOrEqual(100)
    }
  })

  test('says the verdict first, then each metric, what blocks, what to do, the line to paste and where the report is', () => {
    const text = renderConsole(noGo, { report: 'reports/out/report.html' })
    expect(text.split('\n')[0]).toBe('NO-GO')
    for (const metric of ['✓ Logins', '✗ Access', '✗ Features', '✗ Data', '✓ Performance'])
      expect(text).toContain(metric)
    expect(text).toContain('✗ Role anon can read 2,003 rows of public.profiles')
    expect(text).toContain('What to do: Restrict the policy to authenticated')
    expect(text).toContain('-- greenlight: expects access.rows-gained public.profiles to anon because …')
    expect(text).toMatch(/Report: reports\/out\/report\.html\n$/)
  })

  test('names the checks that leave a metric unknown', () => {
    expect(renderConsole(open)).toContain('? The suites ran: a suite file did not load')
  })

  test('uses colours only when asked, and loses no word without them', () => {
    const coloured = renderConsole(noGo, { color: true })
    expect(renderConsole(noGo)).not.toContain('\u001b')
    expect(coloured).toContain('\u001b[1;97;41m NO-GO \u001b[0m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is taken out
    expect(coloured.replace(/\u001b\[[\d;]*m/g, '').replace(' NO-GO ', 'NO-GO')).toBe(renderConsole(noGo))
  })

  test('shows ten blocking findings and counts the rest', () => {
    const [first] = noGo.findings
    const many = { ...noGo, findings: Array.from({ length: 12 }, () => first).filter((each) => each !== undefined) }
    expect(renderConsole(many)).toContain('2 more blocking findings: see the report.')
  })
})

/** Without markup, and with what would be markup in a text as it was. */
const textOf = {
  page: (document: ReportDocument) =>
    renderHtml(document)
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' '),
  markdown: (document: ReportDocument) => renderMarkdown(document).replace(/[\\`]/g, ''),
}

describe.each(['page', 'markdown'] as const)('the %s', (form) => {
  const text = textOf[form]

  test('names each masked column, what it was masked as, why, and how many values', () => {
    const cells = [
      ['auth.users(email)', 'email', 'platform', '2,000'],
      ['public.chat_messages(body)', 'mentions', 'mentions', '37'],
      ['public.profiles(full_name)', 'name', 'name', '1,988'],
    ]
    expect(text(go)).toContain('4,025 values of 3 columns masked')
    for (const row of cells) expect(text(go)).toContain(row.join(form === 'page' ? ' ' : ' | '))
    const { restore } = go
    if (!restore) throw new Error('The sample has a restore.')
    expect(text({ ...go, restore: { ...restore, masking: undefined } })).not.toContain('masked')
  })

  test('names the engine, its image and what it lacks', () => {
    const { engine } = go.provenance
    if (!engine) throw new Error('The sample has an engine.')
    const on = (changed: typeof engine) => text({ ...go, provenance: { ...go.provenance, engine: changed } })
    const lacks = ['settings: the server runs with others', 'statement-statistics: pg_stat_statements counts']
    const shown = on({ ...engine, name: 'container', image: 'supabase/postgres:17.6', lacks })
    expect(shown).toMatch(/PostgreSQL 17\.10[^·]*container, supabase\/postgres:17\.6/)
    expect(shown).toMatch(new RegExp(`the server lacks +${lacks.join('; ')}`, 'i'))
    expect(on({ ...engine, lacks: [] })).not.toMatch(/the server lacks/i)
  })
})

describe('the annotations of GitHub Actions', () => {
  test('stand at file, line and column, with warnings as warnings', () => {
    const lines = renderGithub(noGo).split('\n')
    expect(lines[0]).toMatch(/^::error title=Greenlight%3A NO-GO::3 findings block the deploy/)
    expect(lines[1]).toMatch(
      /^::error file=migrations\/204_update_rls_policies\.sql,line=12,col=1,title=access\.rows-gained::Role anon/,
    )
    expect(lines.filter((line) => line.startsWith('::warning'))).toHaveLength(2)
    expect(renderGithub(go)).toMatch(/^::notice /)
  })

  test('escape what would end the command', () => {
    const line = renderGithub(withTitle(noGo, '50%\n::set-output')).split('\n')[1]
    expect(line).toContain('::50%25%0A::set-output')
  })
})

describe('the JUnit file', () => {
  test('counts what it holds, and a required check that did not run is an error', () => {
    expect(renderJunit(go)).toMatch(/<testsuites name="greenlight: go" tests="17" failures="0" errors="0" skipped="2"/)
    expect(renderJunit(noGo)).toMatch(/failures="5" errors="0"/)
    expect(renderJunit(open)).toMatch(/errors="2"/)
  })

  test('stays well-formed whatever the text', () => {
    const xml = renderJunit(withTitle(noGo, odd))
    expect(xml).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 allows none of them
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/)
  })
})

describe('the markdown', () => {
  test('has the verdict, the five metrics, the blocking findings and the plan', () => {
    const text = renderMarkdown(noGo)
    expect(text).toMatch(/^# 🔴 NO-GO\n\n3 findings block/)
    expect(text).toContain('| Access | ✗ not met |')
    expect(text).toContain('### ❌ Role anon can read')
    expect(text).toContain('- [x] Full production database backup before any changes: *done.*')
    expect(text).toContain('- [ ] ❌ Fix any orphaned records')
  })

  test('lets no text of a finding become markup or break a table', () => {
    const text = renderMarkdown(withTitle(noGo, odd))
    expect(text).not.toContain('<script>')
    const rows = text.split('\n').filter((line) => line.includes('alert') && line.startsWith('|'))
    for (const row of rows) expect(row.replace(/\\\|/g, '').split('|')).toHaveLength(6)
  })
})
