import { Hono } from 'hono'
import { Resend } from 'resend'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { linksOf } from '../../model/mail-text.ts'
import { type ApiKeys, makeKeys } from '../keys.ts'
import { type Listener, listen } from '../listener.ts'
import { type MailService, makeMailService } from './mail-service.ts'
import { mailboxRoutes } from './routes.ts'
import { tokensOf } from './tokens.ts'

const message = {
  from: 'Planner <planner@planner.app>',
  to: 'ada@example.com',
  subject: 'News',
  text: 'See https://example.com/a.',
}

let keys: ApiKeys
let service: MailService
let clock: Date
let app: Hono
let listener: Listener
let resend: Resend

beforeAll(async () => {
  keys = await makeKeys()
  listener = await listen(() => (request, bindings) => app.fetch(request, bindings))
  resend = new Resend('re_test', { baseUrl: `${listener.url}/mailbox/functions/greet/resend` })
})
beforeEach(() => {
  clock = new Date('2026-11-22T12:00:00Z')
  service = makeMailService({
    now: () => clock,
    account: { rateLimit: 0 },
    usersOf: async (addresses) =>
      new Map(addresses.flatMap((one) => (one.startsWith('ada@') ? [[one, 'id of ada']] : []))),
  })
  app = new Hono().route('/mailbox', mailboxRoutes({ service, keys }))
})
afterAll(() => listener.close())

const mails = () => service.mailbox.mails()

describe("the double of Resend's API", () => {
  test('takes a mail from the Resend client and knows which function sent it', async () => {
    const { data, error } = await resend.emails.send({
      ...message,
      cc: 'bob@example.com',
      replyTo: ['Help <help@planner.app>'],
      tags: [{ name: 'kind', value: 'news' }],
      headers: { 'X-Entity-Ref-ID': '1' },
      attachments: [
        { filename: 'a.ics', content: Buffer.from('hello') },
        { filename: 'far.pdf', path: 'https://planner.app/far.pdf' },
      ],
    })
    expect(error).toBeNull()
    const at = '2026-11-22T12:00:00.000Z'
    expect(mails()).toEqual([
      {
        id: data?.id,
        source: 'resend',
        function: 'greet',
        from: 'Planner <planner@planner.app>',
        to: ['ada@example.com'],
        cc: ['bob@example.com'],
        bcc: [],
        replyTo: ['Help <help@planner.app>'],
        subject: 'News',
        text: 'See https://example.com/a.',
        headers: { 'X-Entity-Ref-ID': '1' },
        tags: [{ name: 'kind', value: 'news' }],
        attachments: [
          { filename: 'a.ics', bytes: 5 },
          { filename: 'far.pdf', path: 'https://planner.app/far.pdf' },
        ],
        links: ['https://example.com/a'],
        tokens: [],
        at,
        status: 'delivered',
        events: [
          { type: 'sent', at },
          { type: 'delivered', at, recipient: 'ada@example.com' },
          { type: 'delivered', at, recipient: 'bob@example.com' },
        ],
      },
    ])
  })

  test('keeps an idempotency key for 24 hours, over all functions', async () => {
    const first = await resend.emails.send(message, { idempotencyKey: 'one' })
    clock = new Date('2026-11-23T11:59:59Z')
    const other = new Resend('re_test', { baseUrl: `${listener.url}/mailbox/functions/other/resend` })
    const again = await other.emails.send(message, { idempotencyKey: 'one' })
    expect(again.data?.id).toBe(first.data?.id)
    clock = new Date('2026-11-23T12:00:00Z')
    const anew = await resend.emails.send(message, { idempotencyKey: 'one' })
    expect(anew.data?.id).not.toBe(first.data?.id)
    expect(mails()).toHaveLength(2)
  })

  test('leaves the key of a refused mail free', async () => {
    await resend.emails.send({ ...message, to: 'nobody' }, { idempotencyKey: 'one' })
    expect((await resend.emails.send(message, { idempotencyKey: 'one' })).error).toBeNull()
  })

  test('takes a strict batch whole or not at all, a permissive one in part, and notes what it refused', async () => {
    const batch = [message, { ...message, to: 'nobody' }]
    expect((await resend.batch.send(batch)).error?.name).toBe('validation_error')
    expect(mails()).toHaveLength(0)
    const taken = await resend.batch.send(batch, { batchValidation: 'permissive' })
    expect(taken.data?.data).toHaveLength(1)
    expect(taken.data?.errors).toEqual([{ index: 1, message: expect.stringContaining('Invalid `to` field.') }])
    expect(mails().map(({ to }) => to)).toEqual([['ada@example.com']])
    expect(service.mailbox.refused()).toMatchObject([
      { function: 'greet', name: 'validation_error' },
      { function: 'greet', name: 'validation_error' },
    ])
  })

  test('delivers a scheduled mail once its clock passes the moment, and not before', async () => {
    const { data } = await resend.emails.send({ ...message, scheduledAt: 'in 2 days' })
    const id = data?.id ?? ''
    expect(await resend.emails.get(id)).toMatchObject({
      data: { last_event: 'scheduled', scheduled_at: '2026-11-24T12:00:00.000+00:00' },
    })
    clock = new Date('2026-11-24T11:59:59Z')
    expect((await resend.emails.get(id)).data?.last_event).toBe('scheduled')
    clock = new Date('2026-11-24T12:00:00Z')
    expect((await resend.emails.get(id)).data?.last_event).toBe('delivered')
    expect((await resend.emails.cancel(id)).error?.statusCode).toBe(422)
  })

  test('takes two requests a second, unless it is told otherwise', async () => {
    app = new Hono().route('/mailbox', mailboxRoutes({ service: makeMailService({ now: () => clock }), keys }))
    const answers = []
    for (let n = 0; n < 3; n++) answers.push(await post('/mailbox/resend/emails', message))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
  })

  test('answers 429 above its rate with the headers of the rate, until the next second', async () => {
    service.configure({ rateLimit: 3 })
    const answers = []
    for (let n = 0; n < 4; n++) answers.push(await post('/mailbox/resend/emails', message))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['2', '1', '0', '0'])
    const last = answers.at(-1)
    expect(['ratelimit-limit', 'ratelimit-reset', 'retry-after'].map((name) => last?.headers.get(name))).toEqual([
      '3',
      '1',
      '1',
    ])
    expect(await last?.json()).toMatchObject({ name: 'rate_limit_exceeded', statusCode: 429 })
    clock = new Date('2026-11-22T12:00:01Z')
    expect((await post('/mailbox/resend/emails', message)).status).toBe(200)
    expect(mails()).toHaveLength(4)
  })

  test.each([
    ['any domain of its own', 'any', 'a@planner.app', 200],
    ['a free mailer', 'any', 'team@gmail.com', 403],
    ['an example domain', 'any', 'team@mail.example.com', 403],
    ['a domain that was verified', ['Planner.app'], 'a@planner.app', 200],
    ['a subdomain that was not', ['planner.app'], 'a@mail.planner.app', 403],
  ] as const)('sends from %s, or says that it is not verified', async (_, verifiedDomains, from, status) => {
    service.configure({ verifiedDomains })
    const answer = await post('/mailbox/resend/emails', { ...message, from })
    expect(answer.status).toBe(status)
    if (status === 403) {
      expect(await answer.json()).toMatchObject({
        name: 'validation_error',
        message: expect.stringMatching(/^The .+ domain is not verified\. Please, add and verify your domain/),
      })
    }
  })

  test("refuses masked and example recipients only when told to, in Resend's words", async () => {
    service.configure({ refuseExampleRecipients: true })
    expect(await (await post('/mailbox/resend/emails', message)).json()).toMatchObject({
      statusCode: 422,
      message: expect.stringContaining('Please use our testing email address instead of domains like `example.com`.'),
    })
  })
})

describe('the mailbox', () => {
  test('is read and cleared with the service key only, and knows whose addresses they are', async () => {
    await post('/mailbox/resend/emails', { ...message, bcc: ['ADA@example.com', 'eve@example.com'] })
    expect((await app.request('/mailbox/mails', { headers: { apikey: keys.anonKey } })).status).toBe(401)
    const read = await app.request('/mailbox/mails', { headers: { apikey: keys.serviceKey } })
    expect(await read.json()).toMatchObject([{ users: ['id of ada'] }])
    await app.request('/mailbox/mails', { method: 'DELETE', headers: { authorization: `Bearer ${keys.secretKey}` } })
    expect(mails()).toHaveLength(0)
  })

  test('finds every link once, with its entities undone, and the tokens in them', () => {
    const html = `<a href="https://a.example/?x=1&amp;y=2">a</a><a href='https://b.example/'>b</a><img src="cid:1">`
    expect(linksOf(html, 'https://a.example/?x=1&y=2, (https://c.example/d).')).toEqual([
      'https://a.example/?x=1&y=2',
      'https://b.example/',
      'https://c.example/d',
    ])
    const links = [
      'https://a.example/?token=t1&x=1',
      'https://a.example/invite/abcdefghij0123456789',
      'https://a.example/events/7',
    ]
    expect(tokensOf(links)).toEqual(['t1', 'abcdefghij0123456789'])
  })
})

function post(path: string, body: unknown) {
  return app.request(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: 'Bearer re_test' },
  })
}
