import { setTimeout as delay } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import type { MailAccount } from '../../model/mail-fault.ts'
import { bareAddress } from './addresses.ts'
import { breakConnection } from './connection.ts'
import type { Delivery } from './deliver.ts'
import type { Fault, Faults } from './faults.ts'
import { makeIdempotency } from './idempotency.ts'
import type { Mailbox } from './mailbox.ts'
import { makeRateLimit, rateHeaders } from './rate-limit.ts'
import { isError, type ResendError, refusals } from './resend-errors.ts'
import { type ResendMessage, readMessage, readScheduledAt } from './resend-message.ts'
import { isEmailId, page, retrieved } from './sent-mails.ts'

export type ResendOptions = {
  readonly mailbox: Mailbox
  readonly delivery: Delivery
  readonly faults: Faults
  /** Asked at each request. */
  readonly account: () => MailAccount
  readonly now: () => Date
  /** The clock of idempotency keys. Default: `now`. */
  readonly keptNow?: () => Date
}

export type ResendApp = Hono<{ Variables: { function: string } }>

const maxBatch = 100

/**
 * A double of Resend's API for sent mails: it takes what Resend would take, refuses what it would refuse in the same
 * words and codes, and puts the mail into the mailbox. Routes: POST and GET /emails, POST /emails/batch, GET and PATCH
 * /emails/:id, POST /emails/:id/cancel. Mounted once for everybody and once for each edge function, whose name goes on
 * the mail. Source: https://resend.com/docs/api-reference and the types of the `resend` package.
 */
export function resendDouble({ mailbox, delivery, faults, account, now, keptNow = now }: ResendOptions): ResendApp {
  const app: ResendApp = new Hono()
  const idempotency = makeIdempotency(keptNow)
  const rate = makeRateLimit(now, () => account().rateLimit)

  const fail = (c: Context, error: ResendError) => c.json(error, error.statusCode as 422)
  const answer = (c: Context, result: object) => (isError(result) ? fail(c, result) : c.json(result))

  app.use(async (c, next) => {
    const key = /^bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (key === undefined) return fail(c, refusals.missingKey)
    const { apiKey, rateLimit } = account()
    if (!key.startsWith('re_') || apiKey === 'none') return fail(c, refusals.invalidKey)
    const state = rate()
    for (const [name, value] of Object.entries(state === undefined ? {} : rateHeaders(state))) c.header(name, value)
    if (state?.exceeded) return fail(c, refusals.tooFast(rateLimit))
    if (apiKey === 'sending_access' && !(c.req.method === 'POST' && /\/emails(\/batch)?$/.test(c.req.path))) {
      return fail(c, refusals.restrictedKey)
    }
    delivery.settle()
    await next()
  })

  app.post('/emails', (c) =>
    sending(c, '/emails', (body, key) => {
      const message = readMessage(body, { account: account(), now: now(), inBatch: false })
      return isError(message) ? message : { id: accept(c, message, key) }
    }),
  )

  app.post('/emails/batch', (c) =>
    sending(c, '/emails/batch', (body, key) => {
      if (!Array.isArray(body) || body.length === 0 || body.length > maxBatch) {
        return refusals.invalid(`The batch must be an array of 1 to ${maxBatch} emails.`)
      }
      const permissive = c.req.header('x-batch-validation') === 'permissive'
      const read = body.map((one) => readMessage(one, { account: account(), now: now(), inBatch: true }))
      const errors = read.flatMap((message, index) => (isError(message) ? [{ index, message: message.message }] : []))
      const first = read.find(isError)
      if (first !== undefined && !permissive) return first
      for (const refused of read) if (isError(refused)) noteRefusal(c, refused)
      const data = read.flatMap((message) => (isError(message) ? [] : [{ id: accept(c, message, key) }]))
      return permissive ? { data, errors } : { data }
    }),
  )

  app.get('/emails', (c) => answer(c, page(mailbox.mails(), c.req.query())))
  app.get('/emails/:id', (c) => {
    const mail = known(c.req.param('id'))
    return answer(c, isError(mail) ? mail : retrieved(mail))
  })
  app.patch('/emails/:id', async (c) => {
    const mail = known(c.req.param('id'))
    if (isError(mail)) return fail(c, mail)
    const body: unknown = await c.req.json().catch(() => undefined)
    const text = typeof body === 'object' && body !== null && 'scheduled_at' in body ? body.scheduled_at : undefined
    if (typeof text !== 'string') return fail(c, refusals.missing('scheduled_at'))
    const moment = readScheduledAt(text, now())
    if (isError(moment)) return fail(c, moment)
    if (mail.status !== 'scheduled') return fail(c, refusals.notScheduled)
    delivery.reschedule(mail, moment.toISOString())
    return c.json({ object: 'email', id: mail.id })
  })
  app.post('/emails/:id/cancel', (c) => {
    const mail = known(c.req.param('id'))
    if (isError(mail)) return fail(c, mail)
    if (mail.status !== 'scheduled') return fail(c, refusals.notScheduled)
    delivery.cancel(mail)
    return c.json({ object: 'email', id: mail.id })
  })
  for (const path of ['/emails', '/emails/batch', '/emails/:id', '/emails/:id/cancel']) {
    app.all(path, (c) => fail(c, refusals.wrongMethod))
  }
  app.all('*', (c) => fail(c, refusals.unknownEndpoint))
  return app

  function known(id: string) {
    if (!isEmailId(id)) {
      return { statusCode: 422, name: 'invalid_parameter', message: 'The `id` must be a valid UUID.' } as const
    }
    const mail = mailbox.find(id)
    return mail?.source === 'resend' ? mail : refusals.unknownEmail
  }

  function senderOf(c: Context): string | undefined {
    const sender: unknown = c.get('function')
    return typeof sender === 'string' ? sender : undefined
  }

  function accept(c: Context, message: ResendMessage, idempotencyKey: string | undefined): string {
    const mail = mailbox.add({ source: 'resend', ...message, function: senderOf(c), idempotencyKey })
    if (mail.status !== 'scheduled') delivery.send(mail)
    return mail.id
  }

  function noteRefusal(c: Context, { name, message }: ResendError): void {
    const sender = senderOf(c)
    mailbox.refuse({ name, message, ...(sender === undefined ? {} : { function: sender }) })
  }

  /** Reads the body, lets a fault strike, and sends once for one idempotency key. */
  async function sending(
    c: Context,
    endpoint: '/emails' | '/emails/batch',
    send: (body: unknown, key: string | undefined) => object | ResendError,
  ): Promise<Response> {
    const key = c.req.header('idempotency-key')
    let body: unknown
    try {
      body = await c.req.json()
    } catch {
      return fail(c, refusals.invalid('The request body is not valid JSON.'))
    }
    const fault = faults.next({ endpoint, function: senderOf(c), recipients: recipientsIn(body) })
    const early = fault && strikeFirst(c, fault)
    if (early !== undefined) return early
    const signal = fault?.kind === 'slow' ? c.req.raw.signal : undefined
    const beSlow = async (when: boolean) => {
      if (fault?.kind === 'slow' && fault.accepted === when)
        await delay(fault.milliseconds, undefined, { ref: false, ...(signal && { signal }) })
    }
    let result: object | ResendError
    try {
      result = await idempotency.once(key, endpoint, body, async () => {
        await beSlow(false)
        return send(body, key)
      })
      await beSlow(true)
    } catch (error) {
      // Who breaks the connection, or dies, takes back what was not accepted yet.
      if (signal?.aborted) return breakConnection(c)
      throw error
    }
    if (isError(result)) noteRefusal(c, result)
    if (fault?.kind === 'drop') return breakConnection(c)
    if (fault?.kind === 'error') return fail(c, refusals.internal(fault.status))
    return answer(c, result)
  }

  /** What a fault answers before anything was accepted; `undefined` when it strikes later. */
  function strikeFirst(c: Context, fault: Fault): Response | undefined {
    if (fault.kind === 'error' && !fault.accepted) return fail(c, refusals.internal(fault.status))
    if (fault.kind === 'drop' && fault.when === 'before') return breakConnection(c)
    if (fault.kind === 'quota') return fail(c, fault.of === 'day' ? refusals.dailyQuota : refusals.monthlyQuota)
    if (fault.kind === 'rate-limit') {
      c.header('retry-after', String(fault.retryAfter))
      c.header('ratelimit-remaining', '0')
      return fail(c, refusals.tooFast(account().rateLimit))
    }
    return undefined
  }
}

/** Bare addresses of everybody whom a request would mail, whatever else is wrong with it. */
function recipientsIn(body: unknown): string[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body]
  return messages.flatMap((message) => {
    if (typeof message !== 'object' || message === null) return []
    return ['to', 'cc', 'bcc'].flatMap((field) => {
      const value: unknown = message[field as never]
      const addresses: unknown[] = Array.isArray(value) ? value : [value]
      return addresses.filter((one) => typeof one === 'string').map(bareAddress)
    })
  })
}
