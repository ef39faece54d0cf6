import { setTimeout as delay } from 'node:timers/promises'
import type { Mail } from '../../../model/stack.ts'
import type { LiveGuard } from './guard.ts'

export type LiveAnswer = { readonly status: number; readonly body: unknown }

export type LiveOptions = {
  readonly apiKey: string
  /** `https://api.resend.com`, or a listener of a test. */
  readonly baseUrl: string
  readonly guard: LiveGuard
  /** Pause between requests: Resend's oldest limit is 2 a second. Default: 600. Unit: milliseconds. */
  readonly pause?: number
  readonly signal?: AbortSignal | undefined
}

/** What was mailed for real, and what was kept from it, by reason. */
export type LiveCounts = {
  readonly sent: number
  readonly failed: number
  readonly refused: Readonly<Record<string, number>>
}

/** The only way from a rehearsal to Resend: one request at a time, each past the guard. */
export type LiveSender = {
  /** Asks Resend for something that mails nobody, or only those in its body. Throws when the guard refuses. */
  request(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<LiveAnswer>
  /** Sends on what the double accepted, once, if the guard lets it. */
  forward(mail: Mail): void
  /** Waits for what is on its way. */
  done(): Promise<LiveCounts>
}

export function makeLiveSender({ apiKey, baseUrl, guard, pause = 600, signal }: LiveOptions): LiveSender {
  const counts = { sent: 0, failed: 0 }
  const refused: Record<string, number> = {}
  let last: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.then(
      () => delay(pause),
      () => {},
    )
    return turn
  }
  const request: LiveSender['request'] = async (method, path, body, headers = {}) => {
    const refusal = path.startsWith('/emails') ? await guardBody(guard, body) : 'only /emails is used'
    if (refusal !== undefined) throw new Error(`This mail is not sent to Resend: ${refusal}.`)
    return inTurn(async () => {
      const answer = await fetch(baseUrl + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'user-agent': 'greenlight',
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      })
      return { status: answer.status, body: await answer.json().catch(() => undefined) }
    })
  }
  const pending = new Set<Promise<void>>()
  const note = (reason: string) => {
    refused[reason] = (refused[reason] ?? 0) + 1
  }
  const send = async (mail: Mail) => {
    if (mail.source !== 'resend') return
    if (mail.attachments.length > 0) return note('its attachments are not kept')
    const refusal = await guard.refuse([...mail.to, ...mail.cc, ...mail.bcc])
    if (refusal !== undefined) return note(refusal)
    const answer = await request('POST', '/emails', messageOf(mail), {
      'idempotency-key': `greenlight/${mail.id}`,
    }).catch(() => undefined)
    if (answer?.status === 200) counts.sent += 1
    else counts.failed += 1
  }
  return {
    request,
    forward(mail) {
      const sending = send(mail).finally(() => pending.delete(sending))
      pending.add(sending)
    },
    async done() {
      await Promise.all(pending)
      return { ...counts, refused }
    },
  }
}

/** The guard over every recipient that a body names; a body without any mails nobody. */
async function guardBody(guard: LiveGuard, body: unknown): Promise<string | undefined> {
  const messages: unknown[] = Array.isArray(body) ? body : [body]
  for (const message of messages) {
    if (typeof message !== 'object' || message === null) continue
    const named = Object.entries(message).filter(([field]) => ['to', 'cc', 'bcc'].includes(field))
    const addresses = named.flatMap(([, value]): unknown[] => (Array.isArray(value) ? value : [value]))
    // What is no address mails nobody, and Resend must be seen to refuse it.
    const mailed = addresses.filter(
      (one): one is string => typeof one === 'string' && one.normalize('NFKC').includes('@'),
    )
    const refusal = mailed.length === 0 ? undefined : await guard.refuse(mailed)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function messageOf({ from, to, cc, bcc, replyTo, subject, html, text, headers, tags, scheduledAt }: Mail): object {
  const list = (addresses: readonly string[]) => (addresses.length === 0 ? undefined : addresses)
  return {
    from,
    to,
    cc: list(cc),
    bcc: list(bcc),
    reply_to: list(replyTo),
    subject,
    html,
    text,
    headers: Object.keys(headers).length === 0 ? undefined : headers,
    tags: tags.length === 0 ? undefined : tags,
    scheduled_at: scheduledAt,
  }
}
