import type { Mail } from '../../model/stack.ts'

export type Field = readonly [name: string, value: string]

/** What a page tells of a mail above its text, without what is empty. `later`: what became of it since it was accepted. */
export function fieldsOf(mail: Mail, later: readonly Field[] = []): Field[] {
  const attachments = mail.attachments.map(
    ({ filename, bytes, path }) => `${filename} (${bytes === undefined ? `from ${path}` : `${bytes} bytes`})`,
  )
  const fields: readonly Field[] = [
    ['From', mail.from],
    ['To', mail.to.join(', ')],
    ['Cc', mail.cc.join(', ')],
    ['Bcc', mail.bcc.join(', ')],
    ['Reply-To', mail.replyTo.join(', ')],
    ['Sender', senderOf(mail)],
    ['Accepted', clock(mail.at)],
    ['Scheduled', mail.scheduledAt === undefined ? '' : clock(mail.scheduledAt)],
    ...later,
    ['Tags', mail.tags.map(({ name, value }) => `${name}=${value}`).join(', ')],
    ['Attachments', attachments.join(', ')],
    ['Idempotency-Key', mail.idempotencyKey ?? ''],
    ...Object.entries(mail.headers),
  ]
  return fields.filter(([, value]) => value !== '')
}

export function senderOf({ source, function: name }: Mail): string {
  return name ?? (source === 'auth' ? 'Auth' : 'an unknown sender')
}

/** `2026-11-22 12:00:00` of the ISO text, UTC. */
export function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}
