import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../../database/engine.ts'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { makeKeys } from '../../keys.ts'
import { type Listener, listen } from '../../listener.ts'
import { type MailService, makeMailService } from '../mail-service.ts'
import { mailboxRoutes } from '../routes.ts'
import { runLiveContract } from './contract.ts'
import { addressesInDump } from './dump-addresses.ts'
import { makeLiveGuard } from './guard.ts'
import { type LiveSender, makeLiveSender } from './sender.ts'

const schema = `
  create schema auth;
  create table auth.users (email text, raw_user_meta_data jsonb);
  insert into auth.users values ('Ada.Lovelace+news@Example.com', '{"second": "ＢＯＢ@ｅｘａｍｐｌｅ.com"}');
  create table public.notes (body text, extra text[], "Odd ""column" varchar(80));
  insert into public.notes values ('Write to carol@team.dev. Or call.', '{dave@team.dev}', 'er\u200bin@team.dev'),
    (null, null, null), ('not.frank@team.dev frank@team.dev.uk', '{}', 'delivered+in-dump@resend.dev');`

let cluster: Cluster
let database: Database
let service: MailService
let requests: Request[]
let app: Hono
let listener: Listener

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('live')
  await using connection = await database.connect()
  await connection.query(schema)
  const keys = await makeKeys()
  // The double plays the real API: a listener on loopback.
  listener = await listen(() => (request, bindings) => {
    requests.push(request.clone())
    return app.fetch(request, bindings)
  })
  service = makeMailService({ now: () => new Date(), account: { rateLimit: 0 } })
  app = new Hono().route('/mailbox', mailboxRoutes({ service, keys }))
})
beforeEach(() => {
  requests = []
  service.mailbox.clear()
})
afterAll(async () => {
  await listener?.close()
  await cluster?.stop()
})

const allow = ['carol@team.dev', 'frank@team.dev', 'Team@team.dev', 'ada.lovelace@example.com']
const inDump = (inboxes: readonly string[]) => addressesInDump(database, inboxes)
const guard = makeLiveGuard({ allow, inDump })

function sender(): LiveSender {
  return makeLiveSender({ apiKey: 're_live', baseUrl: `${listener.url}/mailbox/resend`, guard, pause: 0 })
}

describe('whom a rehearsal may really mail', () => {
  test.each([
    ["Resend's test address with a label of its own", ['bounced+42@resend.dev']],
    ['an address that the config allows', ['Team <TEAM+x@team.dev>', 'bounced@resend.dev']],
    ['an allowed address that is only a part of others in the dump', ['frank@team.dev']],
  ])('%s is let through', async (_, recipients) => {
    expect(await guard.refuse(recipients)).toBeUndefined()
  })

  test.each([
    ['a stranger beside a test address', ['bounced@resend.dev', 'eve@elsewhere.example'], /neither/],
    ['a domain that ends alike', ['a@notresend.dev'], /neither/],
    ['a domain below', ['a@x.resend.dev'], /neither/],
    [
      'an allowed address that is a user of the dump, without its label',
      ['ADA.LOVELACE@example.com'],
      /stands in the dump/,
    ],
    ['an allowed address within a text of the dump', ['carol@team.dev'], /stands in the dump/],
    ['a test address that stands in the dump', ['delivered@resend.dev'], /stands in the dump/],
    ['nobody', [], /no recipient/],
    ['what is no address', ['team@team.dev\nbcc: eve@elsewhere.example'], /cannot be read/],
  ])('%s is refused', async (_, recipients, reason) => {
    expect(await guard.refuse(recipients)).toMatch(reason)
  })

  test('addresses of the dump are found in any column, form, case and label', async () => {
    const sought = [
      'ada.lovelace@example.com',
      'bob@example.com',
      'carol@team.dev',
      'dave@team.dev',
      'erin@team.dev',
      'frank@team.dev',
      'lovelace@example.com',
    ]
    expect([...(await inDump(sought))].sort()).toEqual(sought.slice(0, 5))
  })

  test('nothing goes out when the dump cannot be asked', async () => {
    const blind = makeLiveGuard({ allow, inDump: () => Promise.reject(new Error('no connection')) })
    expect(await blind.refuse(['bounced@resend.dev'])).toMatch(/could not be asked/)
  })
})

describe('mailing for real', () => {
  const mail = { source: 'resend', from: 'a@planner.app', subject: 'News', text: 'Hello.' } as const

  test('sends on what the guard lets through, once, and counts the rest by reason', async () => {
    const live = sender()
    const box = makeMailService({ now: () => new Date(), onMail: live.forward }).mailbox
    const sent = box.add({
      ...mail,
      to: ['bounced+1@resend.dev'],
      replyTo: ['help@planner.app'],
      tags: [{ name: 'kind', value: 'news' }],
    })
    box.add({ ...mail, to: ['ada.lovelace@example.com'] })
    box.add({ ...mail, to: ['bounced@resend.dev'], bcc: ['eve@elsewhere.example'] })
    box.add({ ...mail, to: ['bounced@resend.dev'], attachments: [{ filename: 'a.txt', bytes: 1 }] })
    box.add({ ...mail, source: 'auth', to: ['bounced@resend.dev'] })
    expect(await live.done()).toEqual({
      sent: 1,
      failed: 0,
      refused: {
        'a recipient stands in the dump': 1,
        'a recipient is neither at resend.dev nor in mail.live.allow of the config': 1,
        'its attachments are not kept': 1,
      },
    })
    expect(requests).toHaveLength(1)
    const [request] = requests
    expect(request?.headers.get('authorization')).toBe('Bearer re_live')
    expect(request?.headers.get('idempotency-key')).toBe(`greenlight/${sent.id}`)
    expect(await request?.json()).toEqual({
      from: 'a@planner.app',
      to: ['bounced+1@resend.dev'],
      reply_to: ['help@planner.app'],
      subject: 'News',
      text: 'Hello.',
      tags: [{ name: 'kind', value: 'news' }],
    })
  })

  test('refuses a request to anybody else, in whatever field, form or place', async () => {
    const live = sender()
    const bodies = [
      { to: 'ada.lovelace@example.com' },
      { to: ['bounced@resend.dev'], cc: 'eve@elsewhere.example' },
      { to: 'eve＠elsewhere.example' },
      [{ to: 'bounced@resend.dev' }, { to: 'eve@elsewhere.example' }],
    ]
    for (const body of bodies) await expect(live.request('POST', '/emails', body)).rejects.toThrow(/not sent to Resend/)
    await expect(live.request('POST', '/broadcasts', {})).rejects.toThrow(/only \/emails/)
    expect(requests).toHaveLength(0)
  })

  test('holds the contract against the API and waits for the events of the test addresses', async () => {
    // Before them, nobody in the dump has such a label.
    const open = makeLiveGuard({ allow: [], inDump: async () => new Set() })
    const live = makeLiveSender({ apiKey: 're_live', baseUrl: `${listener.url}/mailbox/resend`, guard: open, pause: 0 })
    const contract = await runLiveContract(live, { run: 'test', patience: 1000 })
    expect(contract).toEqual({
      calls: expect.any(Number),
      differences: [],
      events: ['delivered', 'bounced', 'complained'],
    })
    const mailed = service.mailbox.mails().flatMap(({ to, cc, bcc }) => [...to, ...cc, ...bcc])
    expect(mailed.every((address) => address.endsWith('@resend.dev'))).toBe(true)
    // An API that answers otherwise is told apart.
    service.configure({ verifiedDomains: [], ownAddress: 'x@planner.app', apiKey: 'sending_access' })
    const other = await runLiveContract(live, { run: 'other', patience: 50 })
    service.configure({ apiKey: 'full_access' })
    expect(other.differences).toContain('reads a sent mail: 401 instead of 200')
    expect(other.differences).toContain('a mail to bounced@resend.dev: its event did not come')
  })
})
