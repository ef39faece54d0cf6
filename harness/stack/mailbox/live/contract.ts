import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { contractCalls, filledIn } from './contract-calls.ts'
import type { LiveSender } from './sender.ts'

/** What the real API did differently from the double, one line each, and which events did not come. */
export type LiveContract = {
  readonly calls: number
  readonly differences: readonly string[]
  /** Test addresses whose event came: `delivered` … */
  readonly events: readonly string[]
}

export type LiveContractOptions = {
  /** Makes idempotency keys and labels unique to one run. */
  readonly run: string
  /** How long to wait for an event. Default: 60,000. Unit: milliseconds. */
  readonly patience?: number
  readonly signal?: AbortSignal | undefined
}

const awaited = ['delivered', 'bounced', 'complained'] as const
const withId = z.object({ id: z.string() })
const withEvent = z.object({ last_event: z.string() })

/** Puts the double's contract to the real API, with Resend's test addresses alone, and waits for their events. */
export async function runLiveContract(
  sender: LiveSender,
  { run, patience = 60_000, signal }: LiveContractOptions,
): Promise<LiveContract> {
  const kept = new Map<string, string>()
  const differences: string[] = []
  const calls = contractCalls(run)
  for (const { title, method, path, body, headers, status, answer, keep } of calls) {
    const given = await sender.request(method, filledIn(path, kept), body, headers)
    const read = answer.safeParse(given.body)
    if (given.status !== status) differences.push(`${title}: ${given.status} instead of ${status}`)
    else if (!read.success) {
      const places = read.error.issues.map((issue) => issue.path.join('.') || 'the answer')
      differences.push(`${title}: another form of ${[...new Set(places)].join(', ')}`)
    }
    const id = withId.safeParse(given.body)
    if (keep !== undefined && id.success) kept.set(keep, id.data.id)
  }
  const events: string[] = []
  for (const event of awaited) {
    const message = {
      from: 'Greenlight <onboarding@resend.dev>',
      to: `${event}+${run}@resend.dev`,
      subject: 'A rehearsal',
      text: 'Nobody reads this.',
    }
    const sent = withId.safeParse((await sender.request('POST', '/emails', message)).body)
    const came = sent.success && (await waitFor(sender, sent.data.id, event, patience, signal))
    if (came) events.push(event)
    else differences.push(`a mail to ${event}@resend.dev: its event did not come`)
  }
  return { calls: calls.length, differences, events }
}

async function waitFor(
  sender: LiveSender,
  id: string,
  event: string,
  patience: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const deadline = Date.now() + patience
  while (Date.now() < deadline) {
    const read = withEvent.safeParse((await sender.request('GET', `/emails/${id}`)).body)
    if (read.success && read.data.last_event === event) return true
    // Resend has no way to be told but a public webhook.
    await delay(Math.min(1000, patience / 10), undefined, signal === undefined ? {} : { signal })
  }
  return false
}
