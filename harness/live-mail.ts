import type { Database } from './database/engine.ts'
import { messageOf } from './errors.ts'
import type { Inputs } from './inputs.ts'
import type { Check } from './model/check.ts'
import { type LiveContract, runLiveContract } from './stack/mailbox/live/contract.ts'
import { addressesInDump } from './stack/mailbox/live/dump-addresses.ts'
import { makeLiveGuard } from './stack/mailbox/live/guard.ts'
import { type LiveSender, makeLiveSender } from './stack/mailbox/live/sender.ts'

/** The way to Resend of one run; `undefined` without `--live-mail`. Whom it may mail is decided against a copy of before. */
export function liveSender(
  copy: Database,
  { liveMail, config }: Inputs['options'],
  signal: AbortSignal,
): LiveSender | undefined {
  if (liveMail === undefined) return undefined
  const guard = makeLiveGuard({
    allow: config.mail?.live?.allow ?? [],
    inDump: (inboxes) => addressesInDump(copy, inboxes),
  })
  return makeLiveSender({ ...liveMail, guard, signal })
}

/** Holds Resend against its double, and tells what functions mailed for real. A difference is the double's to mend: no harm of a migration. */
export async function checkLiveMail(sender: LiveSender, signal: AbortSignal): Promise<Check> {
  const plan = {
    id: 'features.live-mail',
    metric: 'features',
    title: 'Resend answers as its double does',
    required: true,
  } as const
  const run = `greenlight-${Date.now().toString(36)}`
  let contract: LiveContract
  try {
    contract = await runLiveContract(sender, { run, signal })
  } catch (error) {
    return { ...plan, status: 'not run', reason: `Resend could not be asked: ${messageOf(error)}` }
  }
  const { calls, differences, events } = contract
  const { sent, failed, refused } = await sender.done()
  const kept = Object.values(refused).reduce((sum, count) => sum + count, 0)
  const numbers = { calls, differences: differences.length, events: events.length, sent, failed, kept }
  if (differences.length > 0 || failed > 0) {
    const reasons = [...differences, ...(failed > 0 ? [`${failed} mails of functions were not taken`] : [])]
    return { ...plan, status: 'not run', reason: `Resend differs from its double: ${reasons.join('; ')}`, numbers }
  }
  return {
    ...plan,
    status: 'passed',
    summary: `${calls} calls are answered alike, and ${events.join(', ')} came. ${sent} mails of functions went out, ${kept} were kept.`,
    numbers,
  }
}
