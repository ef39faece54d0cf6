import type { KeptMails } from '../../harness/model/kept-mail.ts'
import type { ReportDocument, ReportFinding } from '../schema.ts'
import { sayCount } from '../wording.ts'
import { html, type Markup } from './template.ts'

/** The link from a finding to the mails that it is about, where it is about mails and they were kept. */
export type LinkToMails = (finding: ReportFinding) => Markup | undefined

/** The page filters by what its hash says; that holds no more of the mails than the finding does. */
export function linkToMails({ suites }: ReportDocument, mails: KeptMails | undefined): LinkToMails {
  const names = new Map(suites?.tests.map(({ suite, name }) => [`${suite}: ${name}`, name]))
  return ({ problem, object }) => {
    if (mails === undefined) return undefined
    if (problem !== undefined) {
      const isThere = mails.senders.get(problem)?.has(object) ?? false
      return isThere ? link(mails, { problem, function: object }, 'Open these mails') : undefined
    }
    const test = names.get(object)
    if (test === undefined || !mails.failedTests.has(test)) return undefined
    return link(mails, { test }, 'Open the mails that were sent while it failed')
  }
}

/** The way to all of them. */
export function allMails(mails: KeptMails): Markup {
  return html`<p>${link(mails, {}, `Open the ${sayCount(mails.mails, 'mail')} of this run`)}</p>`
}

function link({ page }: KeptMails, filter: Readonly<Record<string, string>>, text: string): Markup {
  const hash = new URLSearchParams(filter).toString()
  return html`<a href="${page}${hash === '' ? '' : `#${hash}`}" rel="noreferrer">${text}</a> <span class="soft">(holds addresses; on the machine of the run only)</span>`
}
