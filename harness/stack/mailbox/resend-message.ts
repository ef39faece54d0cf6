import { z } from 'zod'

/** An error as Resend answers it. */
export type ResendError = { readonly statusCode: number; readonly name: string; readonly message: string }

const recipients = z.union([z.string(), z.array(z.string())])

const message = z.looseObject({
  from: z.string(),
  to: recipients,
  cc: recipients.nullish(),
  bcc: recipients.nullish(),
  subject: z.string().nullish(),
  html: z.string().nullish(),
  text: z.string().nullish(),
  template: z.unknown().optional(),
})

/** A message that Resend would take. */
export type ResendMessage = {
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly subject: string
  readonly html?: string
  readonly text?: string
}

const maxRecipients = 50

/**
 * Checks a message as `POST /emails` does: required fields, then the form of the addresses, then their number. The
 * rule against example domains is left out: the addresses of a restored copy are masked into such domains.
 */
export function readMessage(input: unknown): ResendMessage | ResendError {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return invalid('validation_error', 'The request body must be a JSON object.')
  }
  for (const field of ['from', 'to'] as const) {
    if (!(field in input) || input[field as never] == null || input[field as never] === '') return missing(field)
  }
  const parsed = message.safeParse(input)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path[0]
    return invalid('validation_error', `Invalid \`${String(field)}\` field.`)
  }
  const { from, subject, html, text, template } = parsed.data
  if (template === undefined) {
    if (!subject) return missing('subject')
    if (!html && !text) return invalid('validation_error', 'Missing `html` or `text` field.')
  }
  if (!isAddress(from)) {
    return invalid(
      'validation_error',
      'Invalid `from` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.',
    )
  }
  const lists = { to: list(parsed.data.to), cc: list(parsed.data.cc), bcc: list(parsed.data.bcc) }
  for (const [field, addresses] of Object.entries(lists)) {
    if (field === 'to' && addresses.length === 0) return missing('to')
    if (addresses.length > maxRecipients) {
      return invalid('validation_error', `Too many recipients in \`${field}\`: at most ${maxRecipients} are allowed.`)
    }
    if (!addresses.every(isAddress)) {
      return invalid(
        'validation_error',
        `Invalid \`${field}\` field. The email address needs to follow the \`email@example.com\` or \`Name <email@example.com>\` format.`,
      )
    }
  }
  return { from, ...lists, subject: subject ?? '', ...(html ? { html } : {}), ...(text ? { text } : {}) }
}

export function isError(result: ResendMessage | ResendError): result is ResendError {
  return 'statusCode' in result
}

function list(value: string | string[] | null | undefined): string[] {
  if (value == null) return []
  return Array.isArray(value) ? value : [value]
}

function isAddress(text: string): boolean {
  const address = /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text
  return /^[^\s@<>,]+@[^\s@<>,]+\.[^\s@<>,]+$/.test(address.trim())
}

function missing(field: string): ResendError {
  return invalid('missing_required_field', `Missing \`${field}\` field.`)
}

function invalid(name: string, text: string): ResendError {
  return { statusCode: 422, name, message: text }
}
