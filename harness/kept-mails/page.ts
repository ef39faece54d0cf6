import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { KeptMail } from '../model/kept-mail.ts'
import { clock, fieldsOf, senderOf } from '../stack/mailbox/fields.ts'
import { mailStyle } from '../stack/mailbox/style.ts'
import { keptMailsFile, oneLine } from './keep.ts'

const browserFile = (name: string) => readFileSync(new URL(`browser/${name}`, import.meta.url), 'utf8')

/** The script of the page may run and no other; frames inherit all of it, and may not go anywhere. */
const policyFor = (script: string) =>
  `default-src 'none'; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'; style-src 'unsafe-inline'; img-src data:; frame-src 'none'; form-action 'none'; base-uri 'none'`

/**
 * `kept-mails.html`: one file that asks for nothing from outside. Mails are data in it, each read when it is opened.
 * `left`: how many more there are that are not in it.
 */
export function renderKeptMails(mails: readonly KeptMail[], left = 0): string {
  const script = browserFile('page.js')
  const sorted = mails.toSorted((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(script)}">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>Mails of the rehearsal (${mails.length})</title>
<style>${mailStyle}${browserFile('page.css')}</style>
</head>
<body>
<header>
<h1>Mails of the rehearsal</h1>
<p class="note">What the suites made Auth and the edge functions send on the copies. It holds addresses and texts of people, and links that log in: leave it on this machine.${left === 0 ? '' : ` With ${left} more ${left === 1 ? 'mail' : 'mails'} it would be too large: ${keptMailsFile} has all.`}</p>
<form id="filters" role="search" autocomplete="off">
<label>Search <input type="search" name="text" placeholder="address, subject, text, link"></label>
<label>Side <select name="side"><option value="">Both sides</option></select></label>
<label>Sent by <select name="function"><option value="">All senders</option></select></label>
<label>Problem <select name="problem"><option value="">With and without</option><option value="any">Any problem</option></select></label>
<label>Failed test <select name="test"><option value="">All mails</option></select></label>
</form>
</header>
<main>
<div id="pane"><p id="count" role="status"><noscript>This page needs scripts; the mails are in ${keptMailsFile}, too.</noscript></p><ul id="list"></ul><button id="more" type="button" hidden></button></div>
<article id="shown"></article>
</main>
${data('mails', sorted.map(listed))}
${sorted.map((mail, number) => data(`mail-${number}`, content(mail))).join('\n')}
<script type="module">${script}</script>
</body>
</html>
`
}

/** What the list shows of a mail, and filters by. */
function listed(mail: KeptMail) {
  const { side, at, subject, to, cc, bcc, problems, failedTests } = mail
  const recipients = [...to, ...cc, ...bcc]
  return { side, sender: senderOf(mail), at: clock(at), recipients, subject, problems, failedTests }
}

function content(mail: KeptMail) {
  const { html, text, links } = mail
  return { fields: fieldsOf(mail), html, text, links }
}

/** JSON that ends no script element and begins no comment in one, whatever it holds. */
function data(id: string, value: unknown): string {
  const json = oneLine(value).replaceAll('<', '\\u003c')
  return `<script type="application/json" id="${id}">${json}</script>`
}
