import { randomUUID } from 'node:crypto'
import { linksOf } from '../../model/mail-text.ts'
import type { Mail, MailEvent, MailStatus, RefusedMail } from '../../model/stack.ts'
import { tokensOf } from './tokens.ts'

/** What the sender knows of a mail. */
export type NewMail = Pick<Mail, 'source' | 'from' | 'to' | 'subject'> &
  Partial<Pick<Mail, 'cc' | 'bcc' | 'replyTo' | 'tags' | 'headers' | 'attachments'>> & {
    readonly html?: string | undefined
    readonly text?: string | undefined
    readonly function?: string | undefined
    readonly idempotencyKey?: string | undefined
    /** ISO 8601. */
    readonly scheduledAt?: string | undefined
  }

/** Everything that was sent on one stack, in memory. A scheduled mail is delivered when the clock passes its moment. */
export type Mailbox = {
  add(mail: NewMail): Mail
  find(id: string): Mail | undefined
  /** Oldest first, scheduled and canceled ones included. */
  mails(): readonly Mail[]
  /** Sets what is known of a mail anew. */
  update(id: string, changes: Partial<Pick<Mail, 'status' | 'events' | 'scheduledAt'>>): void
  /** Notes a mail that the double did not take. */
  refuse(refused: Omit<RefusedMail, 'at'>): void
  refused(): readonly RefusedMail[]
  clear(): void
  /** Makes every mail, sent or to be sent, that much older. Unit: milliseconds. */
  age(milliseconds: number): void
}

export type MailboxOptions = {
  readonly now: () => Date
  /** Told of every mail once it is in the mailbox; `clear` does not undo it. */
  readonly onMail?: ((mail: Mail) => void) | undefined
  readonly onRefused?: ((mail: RefusedMail) => void) | undefined
}

export function makeMailbox({ now, onMail, onRefused }: MailboxOptions): Mailbox {
  const mails = new Map<string, Mail>()
  const refused: RefusedMail[] = []
  let authMails = 0
  return {
    add(mail) {
      const links = linksOf(mail.html, mail.text)
      const { html, text, function: sender, idempotencyKey, scheduledAt } = mail
      const at = now().toISOString()
      const status: MailStatus = scheduledAt === undefined ? 'sent' : 'scheduled'
      const events: MailEvent[] = [{ type: status, at }]
      const added: Mail = {
        id: mail.source === 'auth' ? `auth-${++authMails}` : randomUUID(),
        source: mail.source,
        from: mail.from,
        to: mail.to,
        cc: mail.cc ?? [],
        bcc: mail.bcc ?? [],
        replyTo: mail.replyTo ?? [],
        subject: mail.subject,
        ...(html === undefined ? {} : { html }),
        ...(text === undefined ? {} : { text }),
        headers: mail.headers ?? {},
        tags: mail.tags ?? [],
        attachments: mail.attachments ?? [],
        links,
        tokens: tokensOf(links),
        ...(sender === undefined ? {} : { function: sender }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(scheduledAt === undefined ? {} : { scheduledAt }),
        at,
        status: mail.source === 'auth' ? 'delivered' : status,
        events: mail.source === 'auth' ? [{ type: 'delivered', at }] : events,
      }
      mails.set(added.id, added)
      onMail?.(added)
      return added
    },
    find: (id) => mails.get(id),
    mails: () => [...mails.values()],
    update(id, changes) {
      const mail = mails.get(id)
      if (mail !== undefined) mails.set(id, { ...mail, ...changes })
    },
    refuse(mail) {
      const noted = { ...mail, at: now().toISOString() }
      refused.push(noted)
      onRefused?.(noted)
    },
    refused: () => [...refused],
    clear: () => {
      mails.clear()
      refused.length = 0
    },
    age(milliseconds) {
      const sooner = (moment: string) => new Date(Date.parse(moment) - milliseconds).toISOString()
      for (const [id, mail] of mails) {
        const scheduled = mail.scheduledAt === undefined ? {} : { scheduledAt: sooner(mail.scheduledAt) }
        const events = mail.events.map((event) => ({ ...event, at: sooner(event.at) }))
        mails.set(id, { ...mail, ...scheduled, events, at: sooner(mail.at) })
      }
      for (const [at, mail] of refused.entries()) refused[at] = { ...mail, at: sooner(mail.at) }
    },
  }
}
