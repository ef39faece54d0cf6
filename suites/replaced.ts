import { expect } from 'vitest'
import type { Replaced } from '../harness/model/mail-contracts.ts'
import type { SuiteFixtures } from './context.ts'
import { expectMails } from './harm.ts'
import { mailsTo } from './invitations.ts'
import { filled } from './mails.ts'

/** Whom a mail is due to, and by the names of their placeholders what else a body may hold. */
export type Due = Readonly<Record<string, string>> & { readonly address: string }

/**
 * Calls a job and a function that it replaces: one after the other, in both orders, and at once. Each time a mail is due
 * to somebody new, whom `due` makes and names after the turn. Who is called first answers, and the other does not break
 * down, though it may refuse what is done already; of both one mail comes, from whichever.
 */
export async function neverBoth(
  { mailbox, service }: Pick<SuiteFixtures, 'mailbox' | 'service'>,
  job: string,
  old: Replaced[number],
  due: (turn: string) => Promise<Due>,
): Promise<void> {
  const now: Replaced[number] = { function: job, body: {} }
  // What is tried are the two functions, not how they live with the rate of an account.
  const { rateLimit } = await mailbox.account({ rateLimit: 0 })
  try {
    for (const [turn, calls] of Object.entries({
      'job-first': [[now], [old]],
      'old-first': [[old], [now]],
      // Last: both are warm by now, so that neither is done before the other begins.
      'at-once': [[old, now]],
    })) {
      const values = await due(turn)
      await mailbox.clear()
      if (calls.length === 1) await mailbox.fault({ kind: 'slow', milliseconds: 300, recipient: values.address })
      for (const [place, together] of calls.entries()) {
        const answers = await Promise.all(
          together.map((one) => service.functions.invoke(one.function, { body: filled(one.body, values) })),
        )
        for (const [at, { error, response }] of answers.entries()) {
          const one = together[at]
          // That the job has sent it already, or the other is at it, is a reason to refuse.
          const mayRefuse = together.length > 1 || (place > 0 && one === old)
          const status = error === null ? 200 : (response?.status ?? 599)
          expect(status, `answer of ${one?.function}`).toBeLessThan(mayRefuse ? 500 : 300)
        }
      }
      await mailbox.clearFaults()
      const called = calls.map((together) => together.map((one) => one.function).join(' and ')).join(', then ')
      expectMails(
        await mailsTo(mailbox, [values.address]),
        [1],
        `mails of ${called}${calls.length === 1 ? ', at once' : ''}`,
      )
    }
  } finally {
    await mailbox.clearFaults()
    await mailbox.account({ rateLimit })
  }
}
