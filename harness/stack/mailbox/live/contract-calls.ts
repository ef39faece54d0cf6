import { z } from 'zod'

/** One call of Resend's API, and the form of its answer. The same list is put to the double and to the real API. */
export type ContractCall = {
  readonly title: string
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** Of the answer's body. */
  readonly answer: z.ZodType
  /** Keeps the answer's id under this name; `{name}` in a later path or header is replaced by it. */
  readonly keep?: string
}

const uuid = z.uuid()
const created = z.object({ id: uuid })
const refused = (statusCode: number, name: string, message: RegExp) =>
  z.object({ statusCode: z.literal(statusCode), name: z.literal(name), message: z.string().regex(message) })
const email = z.object({
  object: z.literal('email'),
  id: uuid,
  from: z.string(),
  to: z.array(z.string()),
  cc: z.array(z.string()).nullable(),
  bcc: z.array(z.string()).nullable(),
  reply_to: z.array(z.string()).nullable(),
  subject: z.string(),
  html: z.string().nullable(),
  text: z.string().nullable(),
  created_at: z.string(),
  scheduled_at: z.string().nullable(),
  last_event: z.string(),
})
const listed = z.object({
  object: z.literal('list'),
  has_more: z.boolean(),
  data: z.array(z.looseObject({ id: uuid })),
})

/** The shared sender that every account may use for the test addresses. */
const message = {
  from: 'Greenlight <onboarding@resend.dev>',
  to: ['delivered+greenlight@resend.dev'],
  subject: 'A rehearsal',
  text: 'Nobody reads this.',
}

/**
 * Calls that are safe anywhere: what they mail goes to Resend's test addresses alone. `run` makes idempotency keys
 * unique to one run.
 */
export function contractCalls(run: string): readonly ContractCall[] {
  return [
    { title: 'sends', method: 'POST', path: '/emails', body: message, status: 200, answer: created, keep: 'sent' },
    {
      title: 'sends with everything that a mail may carry',
      method: 'POST',
      path: '/emails',
      body: {
        ...message,
        cc: 'delivered+cc@resend.dev',
        bcc: ['delivered+bcc@resend.dev'],
        reply_to: 'delivered+reply@resend.dev',
        html: '<p>Nobody reads this.</p>',
        headers: { 'X-Entity-Ref-ID': run },
        tags: [{ name: 'purpose', value: 'rehearsal' }],
        attachments: [{ filename: 'a.txt', content: 'aGVsbG8=' }],
      },
      status: 200,
      answer: created,
    },
    { title: 'reads a sent mail', method: 'GET', path: '/emails/{sent}', status: 200, answer: email },
    { title: 'lists sent mails', method: 'GET', path: '/emails?limit=2', status: 200, answer: listed },
    {
      title: 'sends a batch',
      method: 'POST',
      path: '/emails/batch',
      body: [message, message],
      status: 200,
      answer: z.object({ data: z.array(created).length(2) }),
    },
    {
      title: 'sends the good part of a permissive batch',
      method: 'POST',
      path: '/emails/batch',
      body: [message, { ...message, to: 'nobody' }],
      headers: { 'x-batch-validation': 'permissive' },
      status: 200,
      answer: z.object({
        data: z.array(created).length(1),
        errors: z.tuple([z.object({ index: z.literal(1), message: z.string() })]),
      }),
    },
    {
      title: 'refuses a strict batch for one bad mail',
      method: 'POST',
      path: '/emails/batch',
      body: [message, { ...message, to: 'nobody' }],
      status: 422,
      answer: refused(422, 'validation_error', /Invalid `to` field/),
    },
    {
      title: 'sends once for one idempotency key',
      method: 'POST',
      path: '/emails',
      body: message,
      headers: { 'idempotency-key': `${run}/once` },
      status: 200,
      answer: created,
    },
    {
      title: 'refuses the key for another mail',
      method: 'POST',
      path: '/emails',
      body: { ...message, subject: 'Another' },
      headers: { 'idempotency-key': `${run}/once` },
      status: 409,
      answer: refused(409, 'invalid_idempotent_request', /idempotency key/i),
    },
    {
      title: 'refuses a key of more than 256 characters',
      method: 'POST',
      path: '/emails',
      body: message,
      headers: { 'idempotency-key': 'k'.repeat(257) },
      status: 400,
      answer: refused(400, 'invalid_idempotency_key', /256/),
    },
    {
      title: 'schedules in words',
      method: 'POST',
      path: '/emails',
      body: { ...message, scheduled_at: 'in 2 hours' },
      status: 200,
      answer: created,
      keep: 'scheduled',
    },
    {
      title: 'moves a scheduled mail',
      method: 'PATCH',
      path: '/emails/{scheduled}',
      body: { scheduled_at: new Date(Date.now() + 5 * 86_400_000).toISOString() },
      status: 200,
      answer: z.object({ object: z.literal('email'), id: uuid }),
    },
    {
      title: 'cancels a scheduled mail',
      method: 'POST',
      path: '/emails/{scheduled}/cancel',
      status: 200,
      answer: z.object({ object: z.literal('email'), id: uuid }),
    },
    {
      title: 'refuses a mail without a sender',
      method: 'POST',
      path: '/emails',
      body: { to: message.to, subject: 'x', text: 'x' },
      status: 422,
      answer: refused(422, 'missing_required_field', /Missing `from` field/),
    },
    {
      title: 'refuses a mail without a recipient',
      method: 'POST',
      path: '/emails',
      body: { from: message.from, subject: 'x', text: 'x' },
      status: 422,
      answer: refused(422, 'missing_required_field', /Missing `to` field/),
    },
    {
      title: 'refuses a line break in a subject',
      method: 'POST',
      path: '/emails',
      body: { ...message, subject: 'x\nBcc: delivered@resend.dev' },
      status: 422,
      answer: refused(422, 'validation_error', /`\\n` is not allowed in the `subject` field/),
    },
    {
      title: 'refuses a tag with other characters',
      method: 'POST',
      path: '/emails',
      body: { ...message, tags: [{ name: 'kind', value: 'a b' }] },
      status: 422,
      answer: refused(422, 'validation_error', /Tags should only contain ASCII letters/),
    },
    {
      title: 'refuses an attachment without content',
      method: 'POST',
      path: '/emails',
      body: { ...message, attachments: [{ filename: 'a.txt' }] },
      status: 422,
      answer: refused(422, 'invalid_attachment', /content/),
    },
    {
      title: 'knows no mail that was never sent',
      method: 'GET',
      path: '/emails/00000000-0000-4000-8000-000000000000',
      status: 404,
      answer: refused(404, 'not_found', /not found/i),
    },
  ]
}

/** `{name}` replaced by what an earlier call kept. */
export function filledIn(text: string, kept: ReadonlyMap<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => kept.get(name) ?? whole)
}
