import { describe, expect, test } from 'vitest'
import type { KeptMails } from '../../harness/model/kept-mail.ts'
import { catalogue } from '../../harness/verdict/catalogue/catalogue.ts'
import { toDocument } from '../document.ts'
import { renderMarkdown } from '../markdown.ts'
import { sampleRehearsal } from '../sample.ts'
import { renderHtml } from './page.ts'

const problem = "a link to a&b.example, which is not the app's own site"
const rehearsal = sampleRehearsal('no-go')
const [first, ...others] = rehearsal.findings
const [failed] = rehearsal.suites?.tests ?? []
if (first === undefined || failed === undefined) throw new Error('The sample has findings and tests.')
const about = { ...first, kind: 'mail.malformed', object: 'notify', title: '2 mails have a link', problem } as const
const ofTest = { ...first, kind: 'mail.duplicate', object: `${failed.suite}: ${failed.name}` } as const
const document = toDocument({ ...rehearsal, findings: [about, ofTest, ...others] }, catalogue)
const mails: KeptMails = {
  page: 'kept-mails.html',
  mails: 1200,
  senders: new Map([[problem, new Set(['notify'])]]),
  failedTests: new Set([failed.name]),
}

/** Where the page of the report leads to, of the mails. */
function targetsOf(kept?: KeptMails): string[] {
  const hrefs = renderHtml(document, kept).matchAll(/href="(kept-mails[^"]*)"/g)
  return [...hrefs].map(([, href = '']) => href.replaceAll('&amp;', '&')).sort()
}

describe('the way from the report to the mails', () => {
  test('is there only when they were kept', () => {
    expect(targetsOf()).toEqual([])
    expect(renderHtml(document)).not.toContain('of this run')
    expect(renderMarkdown(document)).not.toContain('of this run')
    expect(renderMarkdown(document, mails)).toContain('The 1,200 mails of this run are in `kept-mails.html`')
  })

  test('leads from a finding to its mails, from a failed test to those it sent, and to all', () => {
    expect(new Set(targetsOf(mails))).toEqual(
      new Set([
        'kept-mails.html',
        `kept-mails.html#${new URLSearchParams({ problem, function: 'notify' })}`,
        `kept-mails.html#${new URLSearchParams({ test: failed.name })}`,
      ]),
    )
  })

  test('leads nowhere where the page has no such mail', () => {
    const none = { ...mails, senders: new Map([[problem, new Set(['remind'])]]), failedTests: new Set<string>() }
    expect(targetsOf(none)).toEqual(['kept-mails.html'])
  })
})
