import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Mail } from '../../model/stack.ts'
import { clock, type Field, fieldsOf, senderOf } from './fields.ts'
import { mailStyle } from './style.ts'

type Page = HtmlEscapedString | Promise<HtmlEscapedString>

/** The pages load nothing but the mail in its frame, and tell nobody where they were. */
export const pageHeaders: Record<string, string> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** A mail's own HTML: no script, no network, no way out of its frame. */
export const mailHtmlHeaders: Record<string, string> = {
  'content-security-policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

const style = raw(`<style>${mailStyle}
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
ul.mails { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }
ul.mails a { display: grid; grid-template-columns: 1fr auto; gap: 0 .75rem; padding: .6rem .25rem; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none }
ul.mails a:hover, ul.mails a:focus-visible { background: var(--wash) }
ul.mails strong, ul.mails .meta { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0 }
.status { font-size: .8rem; color: var(--soft) } .status.delivered { color: var(--good) } .status.bounced, .status.complained, .status.suppressed { color: var(--bad) }
@media (max-width: 32rem) { ul.mails strong { grid-column: 1 / -1; white-space: normal } ul.mails .status, ul.mails time { justify-self: end } ul.mails a > :nth-child(2) { order: 1 } ul.mails a > :nth-child(3) { order: 0 } ul.mails time { order: 3 } ul.mails a > :nth-child(5) { order: 2 } }
</style>`)

function page(title: string, body: Page): Page {
  return html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${title}</title>${style}</head><body><main>${body}</main></body></html>`
}

export function overviewPage(mails: readonly Mail[], token: string): Page {
  const rows = mails
    .toReversed()
    .map(
      (mail) =>
        html`<li><a href="mailbox/mails/${mail.id}?token=${token}"><strong>${mail.subject || '(no subject)'}</strong>${status(mail)}<span class="meta">${mail.to.join(', ')}</span><time datetime="${mail.at}">${clock(mail.at)}</time><span class="meta">${senderOf(mail)}</span></a></li>`,
    )
  return page(
    `Mailbox (${mails.length})`,
    html`<h1>Mailbox</h1><p class="note">${mails.length === 0 ? 'Nothing was sent yet.' : `${mails.length} ${mails.length === 1 ? 'mail' : 'mails'}, newest first.`}</p><ul class="mails">${rows}</ul>`,
  )
}

export function mailPage(mail: Mail, token: string): Page {
  const events = mail.events.map(({ type, at, recipient }) => [type, clock(at), recipient].filter(Boolean).join(' '))
  const later: readonly Field[] = [
    ['Status', mail.status],
    ['Events', events.join(' · ')],
    ['Users', mail.users?.join(', ') ?? ''],
  ]
  const fields = fieldsOf(mail, later).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)
  return page(
    mail.subject || '(no subject)',
    html`<p><a href="../../mailbox?token=${token}">← Mailbox</a></p><h1>${mail.subject || '(no subject)'}</h1>
<dl>${fields}</dl>
${mail.html === undefined ? html`<p class="note">This mail has no HTML part.</p>` : html`<h2>HTML</h2><iframe sandbox title="The mail as it is rendered, without network and scripts" src="${mail.id}/html?token=${token}"></iframe>`}
<h2>Text</h2>${mail.text === undefined ? html`<p class="note">This mail has no text part; Resend makes one from the HTML.</p>` : html`<pre>${mail.text}</pre>`}
<h2>Links</h2>${mail.links.length === 0 ? html`<p class="note">None.</p>` : html`<pre>${mail.links.join('\n')}</pre>`}${mail.html === undefined ? '' : html`<h2>HTML source</h2><pre>${mail.html}</pre>`}`,
  )
}

export function notFoundPage(token: string): Page {
  return page(
    'No such mail',
    html`<h1>No such mail</h1><p class="note">It was cleared, or never sent.</p><p><a href="../../mailbox?token=${token}">← Mailbox</a></p>`,
  )
}

function status({ status: last }: Mail): Page {
  return html`<span class="status ${last}">${last}</span>`
}
