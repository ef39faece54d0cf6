import { Resend } from 'resend'
import { describe, expect, test } from 'vitest'
import { makeMailService } from './mail-service.ts'
import { makeWebhookSecret } from './webhooks.ts'

type Post = { readonly body: string; readonly headers: Readonly<Record<string, string>>; readonly type: string }

function receiver(statuses: number[] = []) {
  let now = new Date()
  const posts: Post[] = []
  const secret = makeWebhookSecret()
  const service = makeMailService({
    now: () => now,
    account: { rateLimit: 0 },
    webhook: {
      secret,
      post: async (body, headers) => {
        posts.push({ body, headers, type: JSON.parse(body).type })
        const status = statuses.shift() ?? 200
        if (status === 0) throw new Error('no connection')
        return status
      },
    },
  })
  const send = (to: string) =>
    service.delivery.send(
      service.mailbox.add({
        source: 'resend',
        from: 'a@planner.app',
        to: [to],
        subject: 'News',
        tags: [{ name: 'kind', value: 'news' }],
      }),
    )
  const advance = async (seconds: number) => {
    now = new Date(now.getTime() + seconds * 1000)
    await service.settle()
  }
  return { service, posts, secret, send, advance }
}

describe('webhooks of the double', () => {
  test.each([
    ['delivered@resend.dev', ['email.sent', 'email.delivered'], 'delivered'],
    ['delivered+label@resend.dev', ['email.sent', 'email.delivered'], 'delivered'],
    ['ada@example.com', ['email.sent', 'email.delivered'], 'delivered'],
    ['Bounced+x@resend.dev', ['email.sent', 'email.bounced'], 'bounced'],
    ['complained@resend.dev', ['email.sent', 'email.delivered', 'email.complained'], 'complained'],
    ['suppressed@resend.dev', ['email.sent', 'email.suppressed'], 'suppressed'],
  ])('a mail to %s has its events, in order', async (to, types, status) => {
    const { service, posts, send } = receiver()
    send(to)
    await service.settle()
    expect(posts.map(({ type }) => type)).toEqual(types)
    expect(service.mailbox.mails()[0]?.status).toBe(status)
  })

  test("are signed so that the client's own check takes them, and no other text", async () => {
    const { service, posts, secret, send } = receiver()
    send('bounced@resend.dev')
    await service.settle()
    const { body = '', headers = {} } = posts[1] ?? {}
    const verify = (payload: string) =>
      new Resend('re_x').webhooks.verify({
        payload,
        headers: {
          id: headers['svix-id'] ?? '',
          timestamp: headers['svix-timestamp'] ?? '',
          signature: headers['svix-signature'] ?? '',
        },
        webhookSecret: secret,
      })
    expect(verify(body)).toMatchObject({
      type: 'email.bounced',
      data: { tags: { kind: 'news' }, bounce: { type: 'Permanent' } },
    })
    expect(() => verify(body.replace('News', 'Olds'))).toThrow()
  })

  test('are tried again on the schedule of Resend until the function takes them', async () => {
    const { service, posts, send, advance } = receiver([500, 200, 0])
    send('ada@example.com')
    await service.settle()
    expect(posts).toHaveLength(2)
    await advance(4)
    expect(posts).toHaveLength(2)
    await advance(1)
    expect(posts.map(({ type }) => type)).toEqual(['email.sent', 'email.delivered', 'email.sent'])
    expect(posts[2]?.headers['svix-id']).toBe(posts[0]?.headers['svix-id'])
    await advance(299)
    expect(posts).toHaveLength(3)
    await advance(1)
    expect(posts).toHaveLength(4)
    await advance(86_400)
    expect(service.webhooks?.attempts().map(({ status }) => status)).toEqual([500, 200, undefined, 200])
    service.stop()
  })

  test('come for a scheduled mail when its moment has come', async () => {
    const { service, posts, advance } = receiver()
    const scheduledAt = new Date(service.now().getTime() + 60_000).toISOString()
    service.mailbox.add({
      source: 'resend',
      from: 'a@planner.app',
      to: ['ada@example.com'],
      subject: 'Later',
      scheduledAt,
    })
    await advance(59)
    expect(posts).toHaveLength(0)
    await advance(1)
    expect(posts.map(({ type }) => type)).toEqual(['email.sent', 'email.delivered'])
  })
})
