import type { Mail } from '../../model/stack.ts'
import { type ResendError, refusals } from './resend-errors.ts'

const messageHost = 'eu-west-1.amazonses.com'
const orNull = (addresses: readonly string[]) => (addresses.length === 0 ? null : addresses)
/** As Resend writes moments. */
const written = (iso: string) => iso.replace('Z', '+00:00').replace(' ', 'T')

/** A mail as `GET /emails/:id` answers it. */
export function retrieved(mail: Mail): object {
  return {
    object: 'email',
    ...listed(mail),
    bcc: mail.bcc,
    cc: mail.cc,
    reply_to: mail.replyTo,
    html: mail.html ?? null,
    text: mail.text ?? null,
    tags: mail.tags,
  }
}

function listed(mail: Mail) {
  return {
    id: mail.id,
    to: mail.to,
    from: mail.from,
    created_at: written(mail.at),
    subject: mail.subject,
    bcc: orNull(mail.bcc),
    cc: orNull(mail.cc),
    reply_to: orNull(mail.replyTo),
    message_id: `<${mail.id}@${messageHost}>`,
    last_event: mail.status,
    scheduled_at: mail.scheduledAt === undefined ? null : written(mail.scheduledAt),
    topic_id: null,
  }
}

export type PageQuery = {
  readonly limit?: string | undefined
  readonly after?: string | undefined
  readonly before?: string | undefined
}

/** `GET /emails`: newest first, 20 a page unless told, at most 100. https://resend.com/docs/api-reference/pagination */
export function page(mails: readonly Mail[], { limit = '20', after, before }: PageQuery): object | ResendError {
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 100) {
    return refusals.invalid('The `limit` parameter must be a number between 1 and 100.')
  }
  if (after !== undefined && before !== undefined) {
    return refusals.invalid('You can only use either `after` or `before`, not both.')
  }
  const newestFirst = mails.filter(({ source }) => source === 'resend').toReversed()
  const cursor = after ?? before
  const at = newestFirst.findIndex(({ id }) => id === cursor)
  if (cursor !== undefined && at === -1) return refusals.invalid('The pagination cursor is not a known email id.')
  const count = Number(limit)
  const rest =
    after !== undefined ? newestFirst.slice(at + 1) : before !== undefined ? newestFirst.slice(0, at) : newestFirst
  // Backwards, the page ends just before the cursor.
  const shown = before === undefined ? rest.slice(0, count) : rest.slice(-count)
  return { object: 'list', has_more: rest.length > shown.length, data: shown.map(listed) }
}

/** Of the form that Resend's ids have. */
export function isEmailId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
}
