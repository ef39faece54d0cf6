import { visibleText } from '../model/mail-text.ts'
import type { Mail } from '../model/stack.ts'
import { badLinks, type Sites } from './bad-links.ts'
import { placeholdersIn } from './placeholders.ts'
import type { Problem } from './problem.ts'

/** What can be told of a mail's content from the mail alone. Whether the data excuses it is asked later. */
export function problemsOf(mail: Mail, sites: Sites): Problem[] {
  const { html = '', text, subject, from } = mail
  const german = /<html[^>]*\blang=["']?de\b/i.test(html)
  const seen = [subject, from.replace(/<[^>]*>/, ''), visibleText(html), text ?? '']
  return [
    ...seen.flatMap((part) => placeholdersIn(part, { german })),
    ...badLinks(mail, sites),
    ...lineBreaks(mail),
    ...missingText(mail),
  ]
}

/** Texts that end a header and begin another. */
function lineBreaks({ from, to, cc, bcc, replyTo, subject, headers }: Mail): Problem[] {
  const fields = { from: [from], to, cc, bcc, reply_to: replyTo, subject: [subject], headers: Object.values(headers) }
  return Object.entries(fields)
    .filter(([, values]) => values.some((value) => /[\r\n]/.test(value)))
    .map(([field]) => ({ kind: 'header-injection', detail: field }))
}

function missingText({ html, text }: Mail): Problem[] {
  if (html === undefined || (text !== undefined && text.trim() !== '')) return []
  return [{ kind: 'no-text', detail: text === undefined ? 'left to Resend' : 'switched off' }]
}

/** Whether texts of people stand in the mail as HTML. `values` are names and titles of the data that hold a tag. */
export function unescapedIn(html: string, values: readonly string[]): boolean {
  return values.some((value) => /<[a-z!/]/i.test(value) && html.includes(value.trim()))
}
