import { Hono } from 'hono'
import { Resend } from 'resend'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { MailFault } from '../../model/mail-fault.ts'
import { type ApiKeys, makeKeys } from '../keys.ts'
import { type Listener, listen } from '../listener.ts'
import { type MailService, makeMailService } from './mail-service.ts'
import { mailboxRoutes } from './routes.ts'

const message = { from: 'a@planner.app', to: 'ada@example.com', subject: 'News', text: 'Hello.' }

let keys: ApiKeys
let service: MailService
let app: Hono
let listener: Listener
let resend: Resend

beforeAll(async () => {
  keys = await makeKeys()
  listener = await listen(() => (request, bindings) => app.fetch(request, bindings))
  resend = new Resend('re_test', { baseUrl: `${listener.url}/mailbox/functions/greet/resend` })
})
beforeEach(() => {
  service = makeMailService({ now: () => new Date(), account: { rateLimit: 0 } })
  app = new Hono().route('/mailbox', mailboxRoutes({ service, keys }))
})
afterAll(() => listener.close())

async function fault(input: MailFault) {
  const answer = await fetch(`${listener.url}/mailbox/faults`, {
    method: 'POST',
    body: JSON.stringify(input),
    headers: { apikey: keys.serviceKey },
  })
  expect(answer.status).toBe(204)
}

const count = () => service.mailbox.mails().length

describe('a fault of Resend on demand', () => {
  test.each([
    ['a 500', { kind: 'error' }, { name: 'internal_server_error', statusCode: 500 }, 0],
    ['a 503', { kind: 'error', status: 503 }, { name: 'application_error', statusCode: 503 }, 0],
    ['a 500 although the mail goes out', { kind: 'error', accepted: true }, { statusCode: 500 }, 1],
    ['429', { kind: 'rate-limit' }, { name: 'rate_limit_exceeded', statusCode: 429 }, 0],
    ['an exhausted day', { kind: 'quota' }, { name: 'daily_quota_exceeded', statusCode: 429 }, 0],
    ['an exhausted month', { kind: 'quota', of: 'month' }, { name: 'monthly_quota_exceeded', statusCode: 429 }, 0],
    ['a connection that breaks before', { kind: 'drop' }, { name: 'application_error', statusCode: null }, 0],
    [
      'a connection that breaks after',
      { kind: 'drop', when: 'after' },
      { name: 'application_error', statusCode: null },
      1,
    ],
  ] as const)('is %s: what the client sees, and whether the mail is there', async (_, input, error, mails) => {
    await fault(input)
    expect((await resend.emails.send(message)).error).toMatchObject(error)
    expect(count()).toBe(mails)
    expect((await resend.emails.send(message)).error).toBeNull()
    expect(count()).toBe(mails + 1)
  })

  test('breaks the connection with a reset', async () => {
    await fault({ kind: 'drop', when: 'after' })
    const failure = await fetch(`${listener.url}/mailbox/resend/emails`, request(message)).catch((error) => error)
    expect(failure.cause.code).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
  })

  test('strikes the next n requests that fit, after those let through', async () => {
    await fault({ kind: 'rate-limit', times: 2, after: 1, retryAfter: 0 })
    const errors = []
    for (let n = 0; n < 4; n++) errors.push((await resend.emails.send(message)).error?.name)
    expect(errors).toEqual([undefined, 'rate_limit_exceeded', 'rate_limit_exceeded', undefined])
  })

  test('strikes one recipient, one function or one endpoint alone, until it is cleared', async () => {
    await fault({ kind: 'error', recipient: 'Bob@example.com', times: null })
    await fault({ kind: 'quota', function: 'other', times: null })
    await fault({ kind: 'rate-limit', endpoint: '/emails/batch' })
    expect((await resend.emails.send(message)).error).toBeNull()
    expect((await resend.batch.send([message])).error?.name).toBe('rate_limit_exceeded')
    const bob = { ...message, to: ['Bob <BOB@example.com>'] }
    expect((await resend.batch.send([message, bob])).error?.statusCode).toBe(500)
    await fetch(`${listener.url}/mailbox/faults`, { method: 'DELETE', headers: { apikey: keys.serviceKey } })
    expect((await resend.emails.send(bob)).error).toBeNull()
  })

  test('keeps a slow mail under its key: the same request meanwhile is told to wait', async () => {
    await fault({ kind: 'slow', milliseconds: 1000 })
    const slow = resend.emails.send(message, { idempotencyKey: 'k' })
    await expect.poll(() => service.faults.pending()).toHaveLength(0)
    const meanwhile = await resend.emails.send(message, { idempotencyKey: 'k' })
    expect(meanwhile.error).toMatchObject({ name: 'concurrent_idempotent_requests', statusCode: 409 })
    const { data } = await slow
    expect((await resend.emails.send(message, { idempotencyKey: 'k' })).data?.id).toBe(data?.id)
    expect(count()).toBe(1)
  })

  test.each([
    ['a mail that was not accepted yet is none, and its key is free', false, 0],
    ['a mail that was accepted at once stays, and goes out once', true, 1],
  ] as const)('when who waits for a slow answer goes away: %s', async (_, accepted, mails) => {
    await fault({ kind: 'slow', milliseconds: 60_000, accepted })
    const leaving = new AbortController()
    const send = (signal?: AbortSignal) =>
      fetch(`${listener.url}/mailbox/resend/emails`, {
        method: 'POST',
        body: JSON.stringify(message),
        headers: { authorization: 'Bearer re_test', 'idempotency-key': 'k', 'content-type': 'application/json' },
        ...(signal && { signal }),
      })
    const gone = expect(send(leaving.signal)).rejects.toThrow()
    await expect.poll(() => service.faults.pending()).toHaveLength(0)
    await expect.poll(count).toBe(mails)
    leaving.abort()
    await gone
    expect(count()).toBe(mails)
    // The server is told of it in its own time.
    await expect.poll(async () => (await send()).status).toBe(200)
    expect(count()).toBe(1)
  })

  test('a retry under the same key after a broken connection does not send twice; without a key it does', async () => {
    for (const idempotencyKey of ['k', undefined]) {
      service.mailbox.clear()
      await fault({ kind: 'drop', when: 'after' })
      await resend.emails.send(message, { ...(idempotencyKey && { idempotencyKey }) })
      await resend.emails.send(message, { ...(idempotencyKey && { idempotencyKey }) })
      expect(count()).toBe(idempotencyKey === undefined ? 2 : 1)
    }
  })

  test('is refused when it makes no sense, and to anybody without the service key', async () => {
    const wrong = (body: unknown, apikey: string) =>
      fetch(`${listener.url}/mailbox/faults`, { method: 'POST', body: JSON.stringify(body), headers: { apikey } })
    expect((await wrong({ kind: 'slow' }, keys.serviceKey)).status).toBe(400)
    expect((await wrong({ kind: 'error', tymes: 3 }, keys.serviceKey)).status).toBe(400)
    expect((await wrong({ kind: 'error' }, keys.anonKey)).status).toBe(401)
    expect(service.faults.pending()).toEqual([])
  })
})

function request(body: unknown) {
  return { method: 'POST', body: JSON.stringify(body), headers: { authorization: 'Bearer re_test' } }
}
