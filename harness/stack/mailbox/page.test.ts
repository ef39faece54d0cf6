import { Hono } from 'hono'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ApiKeys, makeKeys } from '../keys.ts'
import { makeMailService } from './mail-service.ts'
import { mailboxRoutes } from './routes.ts'

let keys: ApiKeys
let app: Hono
let id: string
const service = makeMailService({ now: () => new Date('2026-11-22T12:00:00Z'), account: { rateLimit: 0 } })

beforeAll(async () => {
  keys = await makeKeys()
  app = new Hono().route('/mailbox', mailboxRoutes({ service, keys }))
  const mail = { source: 'resend', from: 'a@planner.app', to: ['ada@example.com'] } as const
  id = service.mailbox.add({
    ...mail,
    subject: 'Hi <b>there',
    html: '<p>Hello</p><script>1</script>',
    text: 'Hello',
  }).id
})

const open = (path: string) => app.request(`/mailbox${path}?token=${service.pageToken}`)

describe('the page of the mailbox', () => {
  test.each(['', '/mails/{id}', '/mails/{id}/html'])(
    '"%s" opens with its token or the service key only',
    async (path) => {
      const at = `/mailbox${path.replace('{id}', id)}`
      expect((await app.request(at)).status).toBe(401)
      expect((await app.request(`${at}?token=${keys.anonKey}`)).status).toBe(401)
      expect((await app.request(`${at}?token=${service.pageToken}`)).status).toBe(200)
      expect((await app.request(at, { headers: { apikey: keys.serviceKey } })).status).toBe(200)
    },
  )

  test('shows every mail, with its texts escaped', async () => {
    expect(await (await open('')).text()).toContain('Hi &lt;b&gt;there')
    const page = await (await open(`/mails/${id}`)).text()
    expect(page).toContain('Hi &lt;b&gt;there')
    expect(page).toContain('&lt;script&gt;1&lt;/script&gt;')
    expect(page).toMatch(/<iframe sandbox /)
    expect(page).not.toContain('<script>')
  })

  test('lets a mail neither run scripts nor reach any host', async () => {
    const policy = (await open(`/mails/${id}/html`)).headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^sandbox; default-src 'none';/)
    expect((await open('')).headers.get('content-security-policy')).toMatch(/^default-src 'none';/)
    expect((await open('')).headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('says that a mail is gone', async () => {
    expect((await open('/mails/nothing')).status).toBe(404)
  })
})
