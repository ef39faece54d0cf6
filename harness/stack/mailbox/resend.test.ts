import { Hono } from 'hono'
import { Resend } from 'resend'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeKeys } from '../keys.ts'
import { type Listener, listen } from '../listener.ts'
import { linksOf, type Mailbox, makeMailbox } from './mailbox.ts'
import { mailboxRoutes } from './routes.ts'

const message = {
  from: 'Planner <planner@example.com>',
  to: 'ada@example.com',
  subject: 'News',
  text: 'See https://example.com/a.',
}

let mailbox: Mailbox
let clock: Date
let app: Hono
let listener: Listener
let resend: Resend

beforeAll(async () => {
  listener = await listen(() => (request) => app.fetch(request))
  resend = new Resend('re_test', { baseUrl: `${listener.url}/mailbox/functions/greet/resend` })
})
beforeEach(async () => {
  clock = new Date('2026-11-22T12:00:00Z')
  mailbox = makeMailbox(() => clock)
  app = new Hono().route('/mailbox', mailboxRoutes({ mailbox, keys: await makeKeys(), rateLimit: 3, now: () => clock }))
})
afterAll(() => listener.close())

describe("the double of Resend's API", () => {
  test('takes a mail from the Resend client and knows which function sent it', async () => {
    const { data, error } = await resend.emails.send(message)
    expect(error).toBeNull()
    expect(mailbox.mails()).toEqual([
      {
        id: data?.id,
        source: 'resend',
        function: 'greet',
        from: 'Planner <planner@example.com>',
        to: ['ada@example.com'],
        cc: [],
        bcc: [],
        subject: 'News',
        text: 'See https://example.com/a.',
        links: ['https://example.com/a'],
        at: '2026-11-22T12:00:00.000Z',
      },
    ])
    const read = await resend.emails.get(data?.id ?? '')
    expect(read.data).toMatchObject({ object: 'email', subject: 'News', last_event: 'delivered' })
  })

  test('sends a mail once for one idempotency key, and refuses the key for another mail', async () => {
    const first = await resend.emails.send(message, { idempotencyKey: 'one' })
    const again = await resend.emails.send(message, { idempotencyKey: 'one' })
    expect(again.data?.id).toBe(first.data?.id)
    const other = await resend.emails.send({ ...message, subject: 'Other' }, { idempotencyKey: 'one' })
    expect(other.error).toMatchObject({ name: 'invalid_idempotent_request', statusCode: 409 })
    expect(mailbox.mails()).toHaveLength(1)
  })

  test('takes a batch whole or not at all', async () => {
    const refused = await resend.batch.send([message, { ...message, to: 'nobody' }])
    expect(refused.error?.name).toBe('validation_error')
    expect(mailbox.mails()).toHaveLength(0)
    const taken = await resend.batch.send([message, { ...message, to: ['b@example.com', 'c@example.com'] }])
    expect(taken.data?.data).toHaveLength(2)
    expect(mailbox.mails().map((mail) => mail.to.length)).toEqual([1, 2])
  })

  test.each([
    ['without a sender', { ...message, from: '' }, 'missing_required_field'],
    ['without a recipient', { ...message, to: [] }, 'missing_required_field'],
    ['without content', { from: message.from, to: message.to, subject: 'News' }, 'validation_error'],
    ['to something that is no address', { ...message, to: 'ada@' }, 'validation_error'],
    [
      'to 51 recipients',
      { ...message, to: Array.from({ length: 51 }, (_, n) => `u${n}@example.com`) },
      'validation_error',
    ],
  ])("refuses a mail %s in Resend's words", async (_, body, name) => {
    const answer = await post('/mailbox/resend/emails', body)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ statusCode: 422, name, message: expect.any(String) })
    expect(mailbox.mails()).toHaveLength(0)
  })

  test('asks for an API key', async () => {
    expect((await app.request('/mailbox/resend/emails', { method: 'POST', body: '{}' })).status).toBe(401)
    const wrong = await post('/mailbox/resend/emails', message, 'Bearer sk_live')
    expect(await wrong.json()).toMatchObject({ statusCode: 401, message: 'API key is invalid' })
  })

  test('answers 429 above its rate, until the next second', async () => {
    const statuses = []
    for (let n = 0; n < 4; n++) statuses.push((await post('/mailbox/resend/emails', message)).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    clock = new Date('2026-11-22T12:00:01Z')
    expect((await post('/mailbox/resend/emails', message)).status).toBe(200)
  })
})

describe('the mailbox', () => {
  test('is read and cleared with the service key only', async () => {
    const keys = await makeKeys()
    const own = new Hono().route('/mailbox', mailboxRoutes({ mailbox, keys, rateLimit: 0, now: () => clock }))
    await own.request('/mailbox/resend/emails', request(message))
    expect((await own.request('/mailbox/mails', { headers: { apikey: keys.anonKey } })).status).toBe(401)
    const read = await own.request('/mailbox/mails', { headers: { apikey: keys.serviceKey } })
    expect(await read.json()).toHaveLength(1)
    await own.request('/mailbox/mails', { method: 'DELETE', headers: { authorization: `Bearer ${keys.secretKey}` } })
    expect(mailbox.mails()).toHaveLength(0)
  })

  test('finds every link once, with its entities undone', () => {
    const html = `<a href="https://a.example/?x=1&amp;y=2">a</a><a href='https://b.example/'>b</a><img src="cid:1">`
    expect(linksOf(html, 'https://a.example/?x=1&y=2, (https://c.example/d).')).toEqual([
      'https://a.example/?x=1&y=2',
      'https://b.example/',
      'https://c.example/d',
    ])
  })
})

function post(path: string, body: unknown, authorization = 'Bearer re_test') {
  return app.request(path, { ...request(body), headers: { authorization } })
}

function request(body: unknown) {
  return { method: 'POST', body: JSON.stringify(body), headers: { authorization: 'Bearer re_test' } }
}
