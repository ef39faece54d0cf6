import { timingSafeEqual } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { MailAccount } from '../../model/mail-fault.ts'
import type { ApiKeys } from '../keys.ts'
import { faultSchema } from './faults.ts'
import type { MailService } from './mail-service.ts'
import { mailHtmlHeaders, mailPage, notFoundPage, overviewPage, pageHeaders } from './page.ts'
import { resendDouble } from './resend.ts'

export type MailboxRoutesOptions = { readonly service: MailService; readonly keys: ApiKeys }

const accountChanges: z.ZodType<Partial<MailAccount>> = z.strictObject({
  rateLimit: z.number().nonnegative().exactOptional(),
  apiKey: z.enum(['full_access', 'sending_access', 'none']).exactOptional(),
  verifiedDomains: z.union([z.literal('any'), z.array(z.string())]).exactOptional(),
  ownAddress: z.string().exactOptional(),
  refuseExampleRecipients: z.boolean().exactOptional(),
})

/**
 * `/resend` is the double of Resend's API, `/functions/<name>/resend` the same for one edge function. With the service
 * key: `/mails` (GET, DELETE), `/refused`, `/webhooks`, `/faults` (GET, POST, DELETE) and `/account` (GET, PATCH). The
 * page itself and `/mails/<id>` are for a browser, with the service key or the page's token.
 */
export function mailboxRoutes({ service, keys }: MailboxRoutesOptions): Hono<{ Variables: { function: string } }> {
  const { mailbox, faults } = service
  const app = new Hono<{ Variables: { function: string } }>()
  const resend = resendDouble({ ...service, account: service.account })
  app.use('/functions/:name/resend/*', async (c, next) => {
    c.set('function', c.req.param('name'))
    await next()
  })
  app.route('/functions/:name/resend', resend)
  app.route('/resend', resend)

  const isService = (c: Context) => {
    const key = c.req.header('apikey') ?? c.req.header('authorization')?.replace(/^bearer\s+/i, '')
    return keys.roleOf(key ?? '') === 'service_role'
  }
  const forService = async (c: Context, next: () => Promise<void>) =>
    isService(c) ? next() : c.json({ message: 'The mailbox opens with the service key only.' }, 401)
  const forReader = async (c: Context, next: () => Promise<void>) =>
    isService(c) || sameText(c.req.query('token') ?? '', service.pageToken)
      ? next()
      : c.text('The mailbox opens with the service key, or with the token in its address.', 401)

  app.get('/mails', forService, async (c) => c.json(await service.addressed()))
  app.delete('/mails', forService, (c) => {
    mailbox.clear()
    return c.body(null, 204)
  })
  app.get('/refused', forService, (c) => c.json(mailbox.refused()))
  app.get('/webhooks', forService, async (c) => {
    await service.settle()
    return c.json(service.webhooks?.attempts() ?? [])
  })
  app.get('/faults', forService, (c) => c.json(faults.pending()))
  app.post('/faults', forService, (c) => reading(c, faultSchema, (fault) => faults.add(fault)))
  app.delete('/faults', forService, (c) => {
    faults.clear()
    return c.body(null, 204)
  })
  app.get('/account', forService, (c) => c.json(service.account()))
  app.patch('/account', forService, (c) => reading(c, accountChanges, (changes) => service.configure(changes)))

  const token = (c: Context) => c.req.query('token') ?? service.pageToken
  app.get('/', forReader, async (c) => c.html(overviewPage(await service.addressed(), token(c)), 200, pageHeaders))
  app.get('/mails/:id', forReader, async (c) => {
    const mail = (await service.addressed()).find(({ id }) => id === c.req.param('id'))
    if (mail === undefined) return c.html(notFoundPage(token(c)), 404, pageHeaders)
    return c.html(mailPage(mail, token(c)), 200, pageHeaders)
  })
  app.get('/mails/:id/html', forReader, (c) => {
    const html = mailbox.find(c.req.param('id') ?? '')?.html
    return html === undefined ? c.text('This mail has no HTML part.', 404) : c.html(html, 200, mailHtmlHeaders)
  })
  return app
}

/** 204 after `use`, or 400 with every complaint. */
async function reading<T>(c: Context, schema: z.ZodType<T>, use: (value: T) => void): Promise<Response> {
  const parsed = schema.safeParse(await c.req.json().catch(() => undefined))
  if (!parsed.success) return c.json({ message: z.prettifyError(parsed.error) }, 400)
  use(parsed.data)
  return c.body(null, 204)
}

function sameText(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}
