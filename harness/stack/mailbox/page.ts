import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Mail } from '../../model/stack.ts'

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

const style = raw(`<style>
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5a6470; --line: #d9dee4; --paper: #fff; --wash: #f5f7f9; --accent: #1f6feb; --bad: #b3261e; --good: #1a7f37 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa5b1; --line: #333a42; --paper: #14181d; --wash: #1c2229; --accent: #6cb0ff; --bad: #ff8a80; --good: #6fdd8b } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.25rem; margin: .25rem 0 .5rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.25rem 0 .4rem }
a { color: var(--accent) }
p.note, time, .meta { color: var(--soft); font-size: .875rem }
ul.mails { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }
ul.mails a { display: grid; grid-template-columns: 1fr auto; gap: 0 .75rem; padding: .6rem .25rem; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none }
ul.mails a:hover, ul.mails a:focus-visible { background: var(--wash) }
ul.mails strong, ul.mails .meta { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0 }
.status { font-size: .8rem; color: var(--soft) } .status.delivered { color: var(--good) } .status.bounced, .status.complained, .status.suppressed { color: var(--bad) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; margin: 0; font-size: .9rem } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
@media (max-width: 32rem) { ul.mails strong { grid-column: 1 / -1; white-space: normal } ul.mails .status, ul.mails time { justify-self: end } ul.mails a > :nth-child(2) { order: 1 } ul.mails a > :nth-child(3) { order: 0 } ul.mails time { order: 3 } ul.mails a > :nth-child(5) { order: 2 } }
iframe { width: 100%; height: 28rem; border: 1px solid var(--line); border-radius: 6px; background: #fff; color-scheme: light }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: .85rem }
</style>`)

function page(title: string, body: Page): Page {
  return html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${title}</title>${style}</head><body><main>${body}</main></body></html>`
}

export function overviewPage(mails: readonly Mail[], token: string): Page {
  const rows = mails
    .toReversed()
    .map(
      (mail) =>
        html`<li><a href="mailbox/mails/${mail.id}?token=${token}"><strong>${mail.subject || '(no subject)'}</strong>${status(mail)}<span class="meta">${mail.to.join(', ')}</span><time datetime="${mail.at}">${clock(mail.at)}</time><span class="meta">${sender(mail)}</span></a></li>`,
    )
  return page(
    `Mailbox (${mails.length})`,
    html`<h1>Mailbox</h1><p class="note">${mails.length === 0 ? 'Nothing was sent yet.' : `${mails.length} ${mails.length === 1 ? 'mail' : 'mails'}, newest first.`}</p><ul class="mails">${rows}</ul>`,
  )
}

export function mailPage(mail: Mail, token: string): Page {
  const field = (name: string, value: string | undefined) => (value ? html`<dt>${name}</dt><dd>${value}</dd>` : '')
  const attachments = mail.attachments.map(
    ({ filename, bytes, path }) => `${filename} (${bytes === undefined ? `from ${path}` : `${bytes} bytes`})`,
  )
  const events = mail.events.map(({ type, at, recipient }) => [type, clock(at), recipient].filter(Boolean).join(' '))
  return page(
    mail.subject || '(no subject)',
    html`<p><a href="../../mailbox?token=${token}">← Mailbox</a></p><h1>${mail.subject || '(no subject)'}</h1>
<dl>${field('From', mail.from)}${field('To', mail.to.join(', '))}${field('Cc', mail.cc.join(', '))}${field('Bcc', mail.bcc.join(', '))}${field('Reply-To', mail.replyTo.join(', '))}${field('Sender', sender(mail))}${field('Accepted', clock(mail.at))}${field('Scheduled', mail.scheduledAt === undefined ? undefined : clock(mail.scheduledAt))}${field('Status', mail.status)}${field('Events', events.join(' · '))}${field('Users', mail.users?.join(', '))}${field('Tags', mail.tags.map(({ name, value }) => `${name}=${value}`).join(', '))}${field('Attachments', attachments.join(', '))}${field('Idempotency-Key', mail.idempotencyKey)}${Object.entries(mail.headers).map(([name, value]) => field(name, value))}</dl>
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

function sender({ source, function: name }: Mail): string {
  return name ?? (source === 'auth' ? 'Auth' : 'unknown sender')
}

/** `2026-11-22 12:00:00` of the ISO text, UTC. */
function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}
