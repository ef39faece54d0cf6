import { Hono } from 'hono'
import { type CreateEmailOptions, Resend } from 'resend'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeKeys } from '../keys.ts'
import { type Listener, listen } from '../listener.ts'
import { type ContractCall, contractCalls, filledIn } from './live/contract-calls.ts'
import { type MailService, makeMailService } from './mail-service.ts'
import { mailboxRoutes } from './routes.ts'

let service: MailService
let app: Hono
let listener: Listener

beforeAll(async () => {
  const keys = await makeKeys()
  service = makeMailService({ now: () => new Date(), account: { rateLimit: 0 } })
  app = new Hono().route('/mailbox', mailboxRoutes({ service, keys }))
  listener = await listen(() => (request, bindings) => app.fetch(request, bindings))
})
beforeEach(() => service.configure({ apiKey: 'full_access' }))
afterAll(() => listener.close())

const base = () => `${listener.url}/mailbox/resend`

describe('the contract with Resend, by raw fetch', () => {
  const kept = new Map<string, string>()
  test.each(contractCalls('raw').map((call) => [call.title, call] as const))('%s', async (_, call) => {
    const answer = await fetch(base() + filledIn(call.path, kept), {
      method: call.method,
      headers: { authorization: 'Bearer re_test', ...call.headers },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    })
    const body = (await answer.json()) as { id: string }
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.status).toBe(call.status)
    expect(call.answer.safeParse(body).error).toBeUndefined()
    if (call.keep) kept.set(call.keep, body.id)
  })
})

describe('the contract with Resend, by its own client', () => {
  const kept = new Map<string, string>()
  test.each(contractCalls('sdk').map((call) => [call.title, call] as const))('%s', async (_, call) => {
    const { data, error } = await throughClient(call, kept)
    if (call.status === 200) expect(error).toBeNull()
    expect(call.answer.safeParse(error ?? data).error).toBeUndefined()
    if (call.keep) kept.set(call.keep, (data as { id: string }).id)
  })
})

describe('keys and paths', () => {
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(base() + path, { headers: { authorization: 'Bearer re_test' }, ...init })
    return {
      status: answer.status,
      ...((await answer.json()) as { name: string; message: string; statusCode: number }),
    }
  }

  test('asks for an API key, and refuses one that is none or was revoked', async () => {
    expect(await call('/emails', { headers: {} })).toMatchObject({ status: 401, name: 'missing_api_key' })
    const wrong = { headers: { authorization: 'Bearer sk_live' } }
    expect(await call('/emails', wrong)).toMatchObject({ status: 403, name: 'invalid_api_key', statusCode: 403 })
    service.configure({ apiKey: 'none' })
    expect(await call('/emails')).toMatchObject({ status: 403, message: 'API key is invalid' })
  })

  test('lets a restricted key send and do nothing else', async () => {
    service.configure({ apiKey: 'sending_access' })
    const resend = new Resend('re_restricted', { baseUrl: base() })
    const mail = { from: 'onboarding@resend.dev', to: 'delivered@resend.dev', subject: 'x', text: 'x' }
    expect((await resend.emails.send(mail)).error).toBeNull()
    expect((await resend.batch.send([mail])).error).toBeNull()
    expect((await resend.emails.list()).error).toEqual({
      statusCode: 401,
      name: 'restricted_api_key',
      message: 'This API key is restricted to only send emails',
    })
  })

  test('sends from onboarding@resend.dev to the own address only', async () => {
    service.configure({ ownAddress: 'owner@planner.app' })
    const resend = new Resend('re_x', { baseUrl: base() })
    const send = (to: string) => resend.emails.send({ from: 'onboarding@resend.dev', to, subject: 'x', text: 'x' })
    expect((await send('Owner@planner.app')).error).toBeNull()
    expect((await send('ada@planner.app')).error).toMatchObject({
      statusCode: 403,
      name: 'validation_error',
      message: expect.stringContaining(
        'You can only send testing emails to your own email address (owner@planner.app).',
      ),
    })
  })

  test('tells a wrong method from an unknown path', async () => {
    expect(await call('/emails/batch', { method: 'DELETE', headers: { authorization: 'Bearer re_x' } })).toMatchObject({
      status: 405,
      name: 'method_not_allowed',
    })
    expect(await call('/nowhere')).toMatchObject({ status: 404, name: 'not_found' })
  })

  test('refuses what is no JSON, is too many, too long or too late', async () => {
    const send = async (body: unknown, path = '/emails') => {
      const init = {
        method: 'POST',
        headers: { authorization: 'Bearer re_x' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }
      return (await call(path, init)).message
    }
    const mail = { from: 'a@planner.app', to: 'b@planner.app', subject: 'x', text: 'x' }
    expect(await send('{')).toMatch(/JSON/)
    expect(await send([])).toMatch(/JSON object/)
    expect(await send({ ...mail, to: Array.from({ length: 51 }, (_, n) => `u${n}@planner.app`) })).toMatch(/at most 50/)
    expect(
      await send(
        Array.from({ length: 101 }, () => mail),
        '/emails/batch',
      ),
    ).toMatch(/1 to 100/)
    expect(await send([{ ...mail, scheduled_at: 'in 1 hour' }], '/emails/batch')).toMatch(/not supported/)
    expect(await send([{ ...mail, attachments: [{ content: 'eA==' }] }], '/emails/batch')).toMatch(/not supported/)
    expect(await send({ ...mail, scheduled_at: 'in 31 days' })).toMatch(/30 days/)
    expect(await send({ ...mail, scheduled_at: 'whenever' })).toMatch(/scheduled_at/)
    expect(await send({ ...mail, attachments: [{ content: 'A'.repeat(41 * 1024 * 1024) }] })).toMatch(/40MB/)
    expect(await send({ ...mail, headers: { 'X-A': 'a\r\nBcc: c@planner.app' } })).toMatch(/headers/)
    expect(await send({ ...mail, to: 'b@planner.app\nBcc: c@planner.app' })).toMatch(/Invalid `to`/)
    expect(await send({ ...mail, to: 'b@planner.app, c@planner.app' })).toMatch(/Invalid `to`/)
  })

  test('pages through sent mails, both ways', async () => {
    service.mailbox.clear()
    const resend = new Resend('re_x', { baseUrl: base() })
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      const { data } = await resend.emails.send({
        from: 'a@planner.app',
        to: 'b@planner.app',
        subject: String(n),
        text: 'x',
      })
      ids.unshift(data?.id ?? '')
    }
    const first = await resend.emails.list({ limit: 2 })
    expect([first.data?.has_more, first.data?.data.map(({ id }) => id)]).toEqual([true, ids.slice(0, 2)])
    const next = await resend.emails.list({ limit: 3, after: ids[1] ?? '' })
    expect([next.data?.has_more, next.data?.data.map(({ id }) => id)]).toEqual([false, ids.slice(2)])
    const back = await resend.emails.list({ limit: 1, before: ids[2] ?? '' })
    expect([back.data?.has_more, back.data?.data.map(({ id }) => id)]).toEqual([true, ids.slice(1, 2)])
    expect((await resend.emails.list({ limit: 101 })).error?.name).toBe('validation_error')
  })
})

/** The same call as a user of the `resend` package writes it. */
async function throughClient(call: ContractCall, kept: ReadonlyMap<string, string>) {
  const resend = new Resend('re_test', { baseUrl: base() })
  const path = filledIn(call.path, kept)
  const id = path.split('/')[2] ?? ''
  const key = call.headers?.['idempotency-key']
  const options = key === undefined ? {} : { idempotencyKey: key }
  if (call.method === 'PATCH')
    return resend.emails.update({ id, scheduledAt: (call.body as { scheduled_at: string }).scheduled_at })
  if (call.method === 'GET')
    return path.startsWith('/emails?') ? resend.emails.list({ limit: 2 }) : resend.emails.get(id)
  if (path.endsWith('/cancel')) return resend.emails.cancel(id)
  if (path === '/emails/batch') {
    const batchValidation = call.headers?.['x-batch-validation'] === 'permissive' ? 'permissive' : 'strict'
    return resend.batch.send(call.body as CreateEmailOptions[], { batchValidation })
  }
  const { reply_to, scheduled_at, ...rest } = call.body as Record<string, unknown>
  const written = {
    ...rest,
    ...(reply_to === undefined ? {} : { replyTo: reply_to }),
    ...(scheduled_at === undefined ? {} : { scheduledAt: scheduled_at }),
  }
  return resend.emails.send(written as unknown as CreateEmailOptions, options)
}
