import { createHash } from 'node:crypto'
import { type Context, Hono } from 'hono'
import type { Mailbox } from './mailbox.ts'
import { isError, type ResendError, readMessage } from './resend-message.ts'

export type ResendOptions = {
  readonly mailbox: Mailbox
  /** Requests per second before 429, over all keys, as Resend counts per team. `0`: no limit. */
  readonly rateLimit: number
  readonly now: () => Date
}

type Stored = { readonly fingerprint: string; readonly answer: unknown }

const maxBatch = 100

/**
 * A double of Resend's API: it takes what Resend would take, refuses what it would refuse in the same words and codes,
 * and puts the mail into the mailbox. Routes: POST /emails, POST /emails/batch, GET /emails/:id. Mounted once for
 * everybody and once for each edge function, whose name goes on the mail.
 */
export function resendDouble({ mailbox, rateLimit, now }: ResendOptions): Hono<{ Variables: { function: string } }> {
  const app = new Hono<{ Variables: { function: string } }>()
  const answered = new Map<string, Stored>()
  let window = { second: 0, requests: 0 }

  const fail = (c: Context, error: ResendError) => c.json(error, error.statusCode as 422)

  app.use(async (c, next) => {
    const key = /^bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (key === undefined) return fail(c, { statusCode: 401, name: 'missing_api_key', message: 'Missing API Key' })
    if (!key.startsWith('re_'))
      return fail(c, { statusCode: 401, name: 'validation_error', message: 'API key is invalid' })
    if (rateLimit > 0) {
      const second = Math.floor(now().getTime() / 1000)
      if (window.second !== second) window = { second, requests: 0 }
      window.requests++
      c.header('ratelimit-limit', String(rateLimit))
      c.header('ratelimit-remaining', String(Math.max(0, rateLimit - window.requests)))
      c.header('ratelimit-reset', '1')
      if (window.requests > rateLimit) {
        c.header('retry-after', '1')
        const message = `Too many requests. You can only make ${rateLimit} requests per second. See rate limit response headers for more information.`
        return fail(c, { statusCode: 429, name: 'rate_limit_exceeded', message })
      }
    }
    await next()
  })

  app.post('/emails', (c) =>
    idempotent(c, (body, idempotencyKey) => {
      const message = readMessage(body)
      if (isError(message)) return message
      return { id: accept(c, message, idempotencyKey) }
    }),
  )

  app.post('/emails/batch', (c) =>
    idempotent(c, (body, idempotencyKey) => {
      if (!Array.isArray(body) || body.length === 0 || body.length > maxBatch) {
        return {
          statusCode: 422,
          name: 'validation_error',
          message: `The batch must be an array of 1 to ${maxBatch} emails.`,
        }
      }
      const permissive = c.req.header('x-batch-validation') === 'permissive'
      const messages = body.map(readMessage)
      const errors = messages.flatMap((message, index) =>
        isError(message) ? [{ index, message: message.message }] : [],
      )
      const first = messages.find(isError)
      if (first !== undefined && !permissive) return first
      const data = messages.flatMap((message) => (isError(message) ? [] : [{ id: accept(c, message, idempotencyKey) }]))
      return permissive ? { data, errors } : { data }
    }),
  )

  app.get('/emails/:id', (c) => {
    const mail = mailbox.find(c.req.param('id'))
    if (mail?.source !== 'resend') return fail(c, { statusCode: 404, name: 'not_found', message: 'Email not found' })
    const { id, from, to, cc, bcc, subject, html = null, text = null, at } = mail
    return c.json({
      object: 'email',
      id,
      from,
      to,
      cc,
      bcc,
      reply_to: [],
      subject,
      html,
      text,
      created_at: at,
      scheduled_at: null,
      tags: [],
      last_event: 'delivered',
    })
  })

  app.all('*', (c) =>
    fail(c, { statusCode: 405, name: 'method_not_allowed', message: 'This endpoint is not part of the double.' }),
  )

  function accept(
    c: Context,
    message: Exclude<ReturnType<typeof readMessage>, ResendError>,
    idempotencyKey: string | undefined,
  ): string {
    const sender: unknown = c.get('function')
    return mailbox.add({
      source: 'resend',
      ...message,
      function: typeof sender === 'string' ? sender : undefined,
      idempotencyKey,
    }).id
  }

  /** One key, one payload, one mail: the same request again gets the same answer, another payload is refused. */
  async function idempotent(
    c: Context,
    send: (body: unknown, key: string | undefined) => object | ResendError,
  ): Promise<Response> {
    const key = c.req.header('idempotency-key')
    if (key !== undefined && (key === '' || key.length > 256)) {
      return fail(c, {
        statusCode: 400,
        name: 'invalid_idempotency_key',
        message: 'The idempotency key must be between 1 and 256 characters.',
      })
    }
    const raw = await c.req.text()
    let body: unknown
    try {
      body = JSON.parse(raw)
    } catch {
      return fail(c, { statusCode: 422, name: 'validation_error', message: 'The request body is not valid JSON.' })
    }
    const fingerprint = createHash('sha256').update(c.req.path).update(raw).digest('hex')
    const stored = key === undefined ? undefined : answered.get(key)
    if (stored !== undefined && stored.fingerprint !== fingerprint) {
      const message = 'This idempotency key has been used already on a request with a different payload.'
      return fail(c, { statusCode: 409, name: 'invalid_idempotent_request', message })
    }
    if (stored !== undefined) return c.json(stored.answer)
    const answer = send(body, key)
    if ('statusCode' in answer) return fail(c, answer as ResendError)
    if (key !== undefined) answered.set(key, { fingerprint, answer })
    return c.json(answer)
  }

  return app
}
