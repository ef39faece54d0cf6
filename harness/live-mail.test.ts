import { afterEach, expect, test, vi } from 'vitest'
import { runOptions } from './cli/options.ts'
import { checkLiveMail } from './live-mail.ts'
import { makeKeys } from './stack/keys.ts'
import type { LiveCounts, LiveSender } from './stack/mailbox/live/sender.ts'
import { makeMailService } from './stack/mailbox/mail-service.ts'
import { mailboxRoutes } from './stack/mailbox/routes.ts'

const { signal } = new AbortController()
const nothing: LiveCounts = { sent: 0, failed: 0, refused: {} }

/** The double in the place of Resend; `counts` are what functions mailed. */
async function resend(counts = nothing): Promise<LiveSender> {
  const service = makeMailService({ now: () => new Date(), account: { rateLimit: 0 } })
  const app = mailboxRoutes({ service, keys: await makeKeys() })
  return {
    async request(method, path, body, headers = {}) {
      const answer = await app.request(`/resend${path}`, {
        method,
        headers: { authorization: 'Bearer re_live', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: await answer.json() }
    },
    forward() {},
    done: async () => counts,
  }
}

test('a Resend that answers as its double does passes, with what went out and what was kept', async () => {
  const counts = { sent: 2, failed: 0, refused: { 'a recipient stands in the dump': 3, 'it has no recipient': 1 } }
  expect(await checkLiveMail(await resend(counts), signal)).toMatchObject({
    id: 'features.live-mail',
    required: true,
    status: 'passed',
    summary: expect.stringMatching(
      /^\d+ calls are answered alike, and delivered, bounced, complained came\. 2 mails of functions went out, 4 were kept\.$/,
    ),
    numbers: { differences: 0, events: 3, sent: 2, failed: 0, kept: 4 },
  })
})

test('one that answers otherwise, or does not take a mail of a function, leaves the check open with what differs', async () => {
  const alike = await resend()
  const other: LiveSender = {
    ...alike,
    request: async (method, path, body, headers) =>
      path === '/emails?limit=2' ? { status: 500, body: {} } : alike.request(method, path, body, headers),
  }
  expect(await checkLiveMail(other, signal)).toMatchObject({
    status: 'not run',
    reason: 'Resend differs from its double: lists sent mails: 500 instead of 200',
    numbers: { differences: 1 },
  })
  expect(await checkLiveMail(await resend({ ...nothing, failed: 1 }), signal)).toMatchObject({
    status: 'not run',
    reason: 'Resend differs from its double: 1 mails of functions were not taken',
  })
})

test('one that cannot be reached leaves it open, too', async () => {
  const gone: LiveSender = { ...(await resend()), request: () => Promise.reject(new Error('no connection')) }
  expect(await checkLiveMail(gone, signal)).toMatchObject({
    required: true,
    status: 'not run',
    reason: 'Resend could not be asked: no connection',
  })
})

afterEach(() => vi.unstubAllEnvs())

test('there is a way to Resend with --live-mail and a key in the environment alone', () => {
  const wayOf = (flags: { liveMail?: boolean }) =>
    runOptions({ dump: ['a.dump'], migrations: 'migrations', ...flags }, { config: {} }, '/').liveMail
  vi.stubEnv('RESEND_BASE_URL', undefined)
  vi.stubEnv('RESEND_API_KEY', 're_live')
  expect(wayOf({})).toBeUndefined()
  expect(wayOf({ liveMail: true })).toEqual({ apiKey: 're_live', baseUrl: 'https://api.resend.com' })
  vi.stubEnv('RESEND_API_KEY', undefined)
  expect(() => wayOf({ liveMail: true })).toThrow('--live-mail needs a key of Resend in RESEND_API_KEY')
})
