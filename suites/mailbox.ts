import type { MailAccount, MailFault } from '../harness/model/mail-fault.ts'
import type { Mail, RefusedMail } from '../harness/model/stack.ts'
import type { StackAccess } from '../harness/suites/control.ts'

export type Mailbox = {
  all(): Promise<Mail[]>
  clear(): Promise<void>
  /** The first mail that fits; fails after `milliseconds` (default 30,000). */
  waitFor(fits: (mail: Mail) => boolean, options?: { readonly milliseconds?: number }): Promise<Mail>
  /** Mails that the double of Resend did not take, with its reason. */
  refused(): Promise<RefusedMail[]>
  /** Makes the mail service fail for the next request, or as told. */
  fault(fault: MailFault): Promise<void>
  /** Ends every fault that was not used up. */
  clearFaults(): Promise<void>
  /**
   * Waits until every fault was used up: the requests that they strike have come. Fails once `call` has ended and no
   * such request came, and after 30 s.
   */
  struck(call?: Promise<unknown>): Promise<void>
  /** Changes the account at the mail service: its rate, what its keys may do, which domains are verified. Answers what it was. */
  account(changes: Partial<MailAccount>): Promise<MailAccount>
}

export function mailboxOf({ url, serviceKey }: StackAccess): Mailbox {
  const call = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, sent?: unknown) => {
    const response = await fetch(`${url}/mailbox/${path}`, {
      method,
      headers: { apikey: serviceKey, Authorization: `Bearer ${serviceKey}` },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    })
    if (response.ok) return response
    const { message } = await body<{ message?: string }>(response).catch(() => ({ message: '' }))
    throw new Error(`the mailbox answered ${response.status}: ${message}`)
  }
  const all = async (): Promise<Mail[]> => body<Mail[]>(await call('GET', 'mails'))
  return {
    all,
    clear: async () => void (await call('DELETE', 'mails')),
    refused: async () => body<RefusedMail[]>(await call('GET', 'refused')),
    fault: async (fault) => void (await call('POST', 'faults', fault)),
    clearFaults: async () => void (await call('DELETE', 'faults')),
    async struck(striking) {
      const deadline = Date.now() + 30_000
      let ended = false
      const end = () => {
        ended = true
      }
      striking?.then(end, end)
      for (;;) {
        const over = ended
        if ((await body<unknown[]>(await call('GET', 'faults'))).length === 0) return
        if (over) throw new Error('the call ended, and no request came that the fault strikes')
        if (Date.now() > deadline) throw new Error('no request came that the fault strikes, within 30 s')
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    },
    async account(changes) {
      const was = await body<MailAccount>(await call('GET', 'account'))
      await call('PATCH', 'account', changes)
      return was
    },
    async waitFor(fits, { milliseconds = 30_000 } = {}) {
      const deadline = Date.now() + milliseconds
      while (true) {
        const found = (await all()).find(fits)
        if (found !== undefined) return found
        if (Date.now() > deadline) throw new Error(`no such mail arrived within ${milliseconds} ms`)
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    },
  }
}

/** The answer of the harness' own doors: its shape is ours. */
async function body<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}
