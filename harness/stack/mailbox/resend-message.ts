import { z } from 'zod'
import type { MailAccount } from '../../model/mail-fault.ts'
import type { MailAttachment, MailTag } from '../../model/stack.ts'
import { isExampleDomain, refuseSender } from './account.ts'
import { bareAddress, domainOf, parseAddress } from './addresses.ts'
import { isError, type ResendError, refusals } from './resend-errors.ts'
import { readSchedule } from './schedule.ts'

const recipients = z.union([z.string(), z.array(z.string())])

const attachment = z.looseObject({
  content: z.unknown().optional(),
  path: z.string().nullish(),
  filename: z.union([z.string(), z.literal(false)]).nullish(),
  content_type: z.string().nullish(),
  content_id: z.string().nullish(),
})

const message = z.looseObject({
  from: z.string(),
  to: recipients,
  cc: recipients.nullish(),
  bcc: recipients.nullish(),
  reply_to: recipients.nullish(),
  subject: z.string().nullish(),
  html: z.string().nullish(),
  text: z.string().nullish(),
  scheduled_at: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  tags: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  attachments: z.array(attachment).nullish(),
  template: z.unknown().optional(),
})

/** A message that Resend would take. */
export type ResendMessage = {
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly replyTo: readonly string[]
  readonly subject: string
  readonly html?: string
  readonly text?: string
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly MailTag[]
  readonly attachments: readonly MailAttachment[]
  readonly scheduledAt?: string
}

export type ReadOptions = {
  readonly account: MailAccount
  readonly now: Date
  /** In a batch, attachments and scheduled_at are not supported. */
  readonly inBatch: boolean
}

const maxRecipients = 50
const maxBytes = 40 * 1024 * 1024
const maxAhead = 30 * 86_400_000

/**
 * Checks a message as `POST /emails` does: required fields, the form and number of the addresses, tags, attachments,
 * schedule, size, then whether the team may send from that domain.
 */
export function readMessage(input: unknown, options: ReadOptions): ResendMessage | ResendError {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refusals.invalid('The request body must be a JSON object.')
  }
  for (const field of ['from', 'to'] as const) {
    if (!(field in input) || input[field as never] == null || input[field as never] === '') {
      return refusals.missing(field)
    }
  }
  const parsed = message.safeParse(input)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path[0]
    return refusals.invalid(`Invalid \`${String(field)}\` field.`)
  }
  const { from, subject, html, text, template, headers, tags, attachments, scheduled_at: schedule } = parsed.data
  const lists = {
    to: list(parsed.data.to),
    cc: list(parsed.data.cc),
    bcc: list(parsed.data.bcc),
    reply_to: list(parsed.data.reply_to),
  }
  const refusal =
    refuseContent(parsed.data, template !== undefined) ??
    refuseAddresses(from, lists, options.account) ??
    refuseTags(tags ?? []) ??
    refuseAttachments(attachments ?? [], options.inBatch) ??
    (Buffer.byteLength(JSON.stringify(input)) > maxBytes
      ? refusals.invalid(
          'The email is too large: at most 40MB are allowed, attachments after Base64 encoding included.',
        )
      : undefined)
  if (refusal !== undefined) return refusal
  if (schedule && options.inBatch) return refusals.invalid('The `scheduled_at` field is not supported in batch emails.')
  const scheduledAt = schedule ? readScheduledAt(schedule, options.now) : undefined
  if (scheduledAt !== undefined && isError(scheduledAt)) return scheduledAt
  const everybody = [...lists.to, ...lists.cc, ...lists.bcc].map(bareAddress)
  return (
    refuseSender(options.account, from, everybody) ?? {
      from,
      to: lists.to,
      cc: lists.cc,
      bcc: lists.bcc,
      replyTo: lists.reply_to,
      subject: subject ?? '',
      ...(html ? { html } : {}),
      ...(text == null ? {} : { text }),
      headers: headers ?? {},
      tags: (tags ?? []).map(({ name, value }) => ({ name, value })),
      attachments: (attachments ?? []).map(attachmentFacts),
      ...(scheduledAt === undefined ? {} : { scheduledAt: scheduledAt.toISOString() }),
    }
  )
}

/** The moment of a `scheduled_at`, or why it is refused: at most 30 days ahead. */
export function readScheduledAt(text: string, now: Date): Date | ResendError {
  const moment = readSchedule(text, now)
  if (moment === undefined) {
    return refusals.invalid('The `scheduled_at` field must be a valid ISO 8601 date or natural language.')
  }
  if (moment <= now) return refusals.invalid('The `scheduled_at` field must be in the future.')
  if (moment.getTime() - now.getTime() > maxAhead) {
    return refusals.invalid('The `scheduled_at` field must be at most 30 days in the future.')
  }
  return moment
}

type Parsed = z.infer<typeof message>

function refuseContent({ subject, html, text, headers }: Parsed, templated: boolean): ResendError | undefined {
  if (!templated) {
    if (!subject) return refusals.missing('subject')
    if (!html && !text) return refusals.invalid('Missing `html` or `text` field.')
  }
  if (/[\r\n]/.test(subject ?? '')) return refusals.lineBreak('subject')
  const broken = Object.entries(headers ?? {}).some(
    ([name, value]) => !/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(value),
  )
  return broken ? refusals.lineBreak('headers') : undefined
}

function refuseAddresses(
  from: string,
  lists: Readonly<Record<'to' | 'cc' | 'bcc' | 'reply_to', readonly string[]>>,
  account: MailAccount,
): ResendError | undefined {
  if (parseAddress(from) === undefined) return refusals.address('from')
  if (lists.to.length === 0) return refusals.missing('to')
  for (const [field, addresses] of Object.entries(lists)) {
    if (addresses.length > maxRecipients) {
      return refusals.invalid(`Too many recipients in \`${field}\`: at most ${maxRecipients} are allowed.`)
    }
    const parsed = addresses.map(parseAddress)
    if (parsed.includes(undefined)) return refusals.address(field)
    const example = parsed.map((one) => domainOf(one?.address ?? '')).find(isExampleDomain)
    if (account.refuseExampleRecipients && example !== undefined && field !== 'reply_to') {
      return refusals.exampleDomain(field, example)
    }
  }
  return undefined
}

function refuseTags(tags: readonly MailTag[]): ResendError | undefined {
  const fits = (text: string) => /^[A-Za-z0-9_-]{1,256}$/.test(text)
  if (tags.every(({ name, value }) => fits(name) && fits(value))) return undefined
  return refusals.invalid(
    'Tags should only contain ASCII letters, numbers, underscores, or dashes, and be at most 256 characters.',
  )
}

function refuseAttachments(attachments: readonly z.infer<typeof attachment>[], inBatch: boolean) {
  if (attachments.length === 0) return undefined
  if (inBatch) return refusals.invalid('The `attachments` field is not supported in batch emails.')
  return attachments.every(({ content, path }) => content != null || path) ? undefined : refusals.attachment
}

/** Content is Base64 text, or what JSON makes of a Buffer. A `path` is never fetched: its size stays unknown. */
function attachmentFacts({ content, path, filename, content_type, content_id }: z.infer<typeof attachment>) {
  const bytes = contentBytes(content)
  return {
    filename: filename || 'untitled',
    ...(bytes === undefined ? {} : { bytes }),
    ...(content_type ? { contentType: content_type } : {}),
    ...(content_id ? { contentId: content_id } : {}),
    ...(path ? { path } : {}),
  }
}

function contentBytes(content: unknown): number | undefined {
  if (typeof content === 'string') return Buffer.from(content, 'base64').length
  if (typeof content === 'object' && content !== null && 'data' in content && Array.isArray(content.data)) {
    return content.data.length
  }
  return undefined
}

function list(value: string | readonly string[] | null | undefined): readonly string[] {
  if (value == null) return []
  return typeof value === 'string' ? [value] : value
}
