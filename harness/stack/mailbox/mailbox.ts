import { randomUUID } from 'node:crypto'
import type { Mail } from '../../model/stack.ts'

/** What the sender knows of a mail. */
export type NewMail = Pick<Mail, 'source' | 'from' | 'to' | 'subject'> & {
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  readonly html?: string | undefined
  readonly text?: string | undefined
  readonly function?: string | undefined
  readonly idempotencyKey?: string | undefined
}

/** Everything that was sent on one stack, in memory. */
export type Mailbox = {
  add(mail: NewMail): Mail
  find(id: string): Mail | undefined
  /** Oldest first. */
  mails(): readonly Mail[]
  clear(): void
}

export function makeMailbox(now: () => Date): Mailbox {
  const mails: Mail[] = []
  let authMails = 0
  return {
    add({ source, from, to, cc = [], bcc = [], subject, html, text, function: sender, idempotencyKey }) {
      const mail: Mail = {
        id: source === 'auth' ? `auth-${++authMails}` : randomUUID(),
        source,
        from,
        to,
        cc,
        bcc,
        subject,
        ...(html === undefined ? {} : { html }),
        ...(text === undefined ? {} : { text }),
        links: linksOf(html, text),
        ...(sender === undefined ? {} : { function: sender }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        at: now().toISOString(),
      }
      mails.push(mail)
      return mail
    },
    find: (id) => mails.find((mail) => mail.id === id),
    mails: () => [...mails],
    clear: () => {
      mails.length = 0
    },
  }
}

/** Every http(s) link, in order, once each: as attribute in HTML (entities undone), as it stands in text. */
export function linksOf(html: string | undefined, text: string | undefined): string[] {
  const inHtml = [...(html ?? '').matchAll(/(?:href|src)\s*=\s*(?:"(https?:[^"]*)"|'(https?:[^']*)')/gi)].map((match) =>
    unescapeHtml(match[1] ?? match[2] ?? ''),
  )
  const inText = [...(text ?? '').matchAll(/https?:\/\/[^\s<>"')\]]+/gi)].map((match) =>
    match[0].replace(/[.,;:!?]+$/, ''),
  )
  return [...new Set([...inHtml, ...inText])]
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
