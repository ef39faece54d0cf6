import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { Mail, MailEvent } from '../../model/stack.ts'

export type WebhookAttempt = {
  readonly id: string
  /** `email.delivered` … */
  readonly type: string
  readonly mail: string
  /** ISO 8601 of the stack's clock. */
  readonly at: string
  /** Of the function's answer; absent when there was none. */
  readonly status?: number
}

export type Webhooks = {
  /** Queues the webhook of an event. */
  add(mail: Mail, event: MailEvent): void
  /** Sends what is due by the stack's clock. Called by itself while that is the system's; needed after it was moved. */
  pump(): Promise<void>
  attempts(): readonly WebhookAttempt[]
  /** Brings every try that waits nearer. Unit: milliseconds. */
  age(milliseconds: number): void
  stop(): void
}

export type WebhookOptions = {
  /** `whsec_…` */
  readonly secret: string
  readonly now: () => Date
  /** POSTs to the function that wants them; the status of its answer. */
  readonly post: (body: string, headers: Readonly<Record<string, string>>) => Promise<number>
}

/** Pauses before each try, in seconds, each counted from the failure before: https://resend.com/docs/webhooks/retries-and-replays. */
const pauses = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000]

type Queued = {
  readonly id: string
  readonly mail: string
  readonly type: string
  readonly body: string
  tries: number
  due: number
}

/** Sends each event in order, signed as Svix does, and again on its schedule until the function answers 2xx. */
export function makeWebhooks({ secret, now, post }: WebhookOptions): Webhooks {
  let queue: Queued[] = []
  const attempts: WebhookAttempt[] = []
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const send = async (event: Queued) => {
    const timestamp = Math.floor(now().getTime() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Svix-Webhooks/1.0',
      'svix-id': event.id,
      'svix-timestamp': String(timestamp),
      'svix-signature': signature(secret, event.id, timestamp, event.body),
    }
    const status = await post(event.body, headers).catch(() => undefined)
    attempts.push({
      id: event.id,
      type: event.type,
      mail: event.mail,
      at: now().toISOString(),
      ...(status === undefined ? {} : { status }),
    })
    event.tries += 1
    const pause = pauses[event.tries]
    if ((status !== undefined && status >= 200 && status < 300) || pause === undefined) {
      queue = queue.filter((one) => one !== event)
    } else event.due = now().getTime() + pause * 1000
  }
  const work = async () => {
    // Later than the assignment of `running` below.
    await undefined
    for (;;) {
      const next = queue.find(({ due }) => due <= now().getTime())
      if (next === undefined || stopped) break
      await send(next)
    }
    running = undefined
    clearTimeout(timer)
    const soonest = Math.min(...queue.map(({ due }) => due))
    if (stopped || queue.length === 0) return
    timer = setTimeout(() => void pump(), Math.min(Math.max(soonest - now().getTime(), 10), 60_000)).unref()
  }
  const pump = () => {
    running ??= work()
    return running
  }
  return {
    add(mail, event) {
      if (event.type === 'canceled') return
      const type = `email.${event.type}`
      const body = JSON.stringify(payload(mail, event, type))
      queue.push({
        id: `msg_${randomUUID().replaceAll('-', '')}`,
        mail: mail.id,
        type,
        body,
        tries: 0,
        due: now().getTime(),
      })
      void pump()
    },
    pump,
    attempts: () => [...attempts],
    age(milliseconds) {
      for (const event of queue) event.due -= milliseconds
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      queue = []
    },
  }
}

export function makeWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`
}

/** https://docs.svix.com/receiving/verifying-payloads/how-manual */
export function signature(secret: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

function payload(mail: Mail, event: MailEvent, type: string): object {
  const bounce = {
    message: "The recipient's mail server permanently rejected the email.",
    subType: 'General',
    type: 'Permanent',
  }
  return {
    type,
    created_at: event.at,
    data: {
      email_id: mail.id,
      message_id: `<${mail.id}@eu-west-1.amazonses.com>`,
      created_at: mail.at,
      from: mail.from,
      to: event.recipient === undefined ? mail.to : [event.recipient],
      subject: mail.subject,
      ...(mail.tags.length === 0
        ? {}
        : { tags: Object.fromEntries(mail.tags.map(({ name, value }) => [name, value])) }),
      ...(event.type === 'bounced' ? { bounce } : {}),
      ...(event.type === 'suppressed'
        ? { suppressed: { message: 'The address is on the suppression list.', type: 'Suppressed' } }
        : {}),
    },
  }
}
