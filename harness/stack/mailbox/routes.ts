import { type Context, Hono } from 'hono'
import type { ApiKeys } from '../keys.ts'
import type { Mailbox } from './mailbox.ts'
import { resendDouble } from './resend.ts'

export type MailboxRoutesOptions = {
  readonly mailbox: Mailbox
  readonly keys: ApiKeys
  readonly rateLimit: number
  readonly now: () => Date
}

/**
 * `/resend` is the double of Resend's API, `/functions/<name>/resend` the same for one edge function; `GET /mails` and
 * `DELETE /mails` read and clear what was sent, with the service key.
 */
export function mailboxRoutes({
  mailbox,
  keys,
  rateLimit,
  now,
}: MailboxRoutesOptions): Hono<{ Variables: { function: string } }> {
  const app = new Hono<{ Variables: { function: string } }>()
  const resend = resendDouble({ mailbox, rateLimit, now })
  app.use('/functions/:name/resend/*', async (c, next) => {
    c.set('function', c.req.param('name'))
    await next()
  })
  app.route('/functions/:name/resend', resend)
  app.route('/resend', resend)

  const forService = async (c: Context, next: () => Promise<void>) => {
    const key = c.req.header('apikey') ?? c.req.header('authorization')?.replace(/^bearer\s+/i, '')
    if (keys.roleOf(key ?? '') !== 'service_role')
      return c.json({ message: 'The mailbox opens with the service key only.' }, 401)
    return next()
  }
  app.get('/mails', forService, (c) => c.json(mailbox.mails()))
  app.delete('/mails', forService, (c) => {
    mailbox.clear()
    return c.body(null, 204)
  })
  return app
}
