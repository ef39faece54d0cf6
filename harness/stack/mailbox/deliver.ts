import type { Mail, MailEvent, MailStatus } from '../../model/stack.ts'
import { bareAddress } from './addresses.ts'
import type { Mailbox } from './mailbox.ts'

/** What becomes of a mail to Resend's test addresses, labels included: https://resend.com/docs/dashboard/emails/send-test-emails. */
const testRecipient = /^(delivered|bounced|complained|suppressed)(\+[^@]*)?@resend\.dev$/

/** From the best to what a reader must see first: a mail's `last_event` is the last of these among its events. */
const weight: readonly MailStatus[] = [
  'scheduled',
  'sent',
  'delivered',
  'suppressed',
  'complained',
  'bounced',
  'canceled',
]

/** The events that follow once a mail is on its way: one for each recipient. */
export function eventsAfterSending(mail: Pick<Mail, 'to' | 'cc' | 'bcc'>, at: string): MailEvent[] {
  return [...mail.to, ...mail.cc, ...mail.bcc].map(bareAddress).flatMap((recipient): MailEvent[] => {
    const fate = testRecipient.exec(recipient)?.[1] ?? 'delivered'
    if (fate === 'complained') {
      return [
        { type: 'delivered', at, recipient },
        { type: 'complained', at, recipient },
      ]
    }
    return [{ type: fate as MailStatus, at, recipient }]
  })
}

export type Delivery = {
  /** Sends what was accepted at once. */
  send(mail: Mail): void
  /** Sends every scheduled mail whose moment has come. */
  settle(): void
  cancel(mail: Mail): void
  reschedule(mail: Mail, scheduledAt: string): void
}

/** `onEvent` is told of each event, in order. */
export function makeDelivery(
  mailbox: Mailbox,
  now: () => Date,
  onEvent: (mail: Mail, event: MailEvent) => void,
): Delivery {
  const note = (mail: Mail, events: readonly MailEvent[]) => {
    const all = [...mail.events, ...events]
    const status = all.reduce<MailStatus>(
      (last, { type }) => (weight.indexOf(type) >= weight.indexOf(last) ? type : last),
      'scheduled',
    )
    mailbox.update(mail.id, { events: all, status })
    for (const event of events) onEvent({ ...mail, events: all, status }, event)
  }
  return {
    send(mail) {
      onEvent(mail, { type: 'sent', at: mail.at })
      note(mail, eventsAfterSending(mail, mail.at))
    },
    settle() {
      const moment = now().toISOString()
      const due = mailbox
        .mails()
        .filter(({ status, scheduledAt = '' }) => status === 'scheduled' && scheduledAt <= moment)
        .sort((one, other) => ((one.scheduledAt ?? '') < (other.scheduledAt ?? '') ? -1 : 1))
      for (const mail of due) {
        const at = mail.scheduledAt ?? moment
        note(mail, [{ type: 'sent', at }, ...eventsAfterSending(mail, at)])
      }
    },
    cancel: (mail) => note(mail, [{ type: 'canceled', at: now().toISOString() }]),
    reschedule: (mail, scheduledAt) => mailbox.update(mail.id, { scheduledAt }),
  }
}
