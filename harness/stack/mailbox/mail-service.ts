import { randomBytes } from 'node:crypto'
import type { MailAccount } from '../../model/mail-fault.ts'
import type { Mail, RefusedMail } from '../../model/stack.ts'
import { defaultAccount } from './account.ts'
import { bareAddress } from './addresses.ts'
import { type Delivery, makeDelivery } from './deliver.ts'
import { type Faults, makeFaults } from './faults.ts'
import { type Mailbox, makeMailbox } from './mailbox.ts'
import { makeWebhooks, type Webhooks } from './webhooks.ts'

/** Everything behind `/mailbox` of one stack. */
export type MailService = {
  readonly mailbox: Mailbox
  readonly delivery: Delivery
  readonly faults: Faults
  readonly webhooks: Webhooks | undefined
  /** Opens the page `/mailbox` in a browser: `?token=…`. */
  readonly pageToken: string
  readonly now: () => Date
  /** The clock of what is kept for a while, such as idempotency keys: `now`, and the time that was advanced. */
  readonly keptNow: () => Date
  account(): MailAccount
  configure(changes: Partial<MailAccount>): void
  /** Every mail, with the accounts that it goes to. */
  addressed(): Promise<readonly Mail[]>
  /** Lets time pass: mails get older, what waits for a moment is nearer to it, what became due is delivered. Unit: milliseconds. */
  advance(milliseconds: number): Promise<void>
  /** Delivers what became due. Needed after the stack's clock was moved. */
  settle(): Promise<void>
  stop(): void
}

export type MailServiceOptions = {
  readonly now: () => Date
  readonly account?: Partial<MailAccount> | undefined
  readonly onMail?: ((mail: Mail) => void) | undefined
  readonly onRefused?: ((mail: RefusedMail) => void) | undefined
  /** Ids of accounts by their address in lower case. Default: nobody is known. */
  readonly usersOf?: ((addresses: readonly string[]) => Promise<ReadonlyMap<string, string>>) | undefined
  /** The function that wants Resend's webhooks. Default: none. */
  readonly webhook?:
    | {
        readonly secret: string
        readonly post: (body: string, headers: Readonly<Record<string, string>>) => Promise<number>
      }
    | undefined
}

export function makeMailService(options: MailServiceOptions): MailService {
  const { now, webhook, usersOf } = options
  let elapsed = 0
  let account: MailAccount = { ...defaultAccount, ...options.account }
  const mailbox = makeMailbox({ now, onMail: options.onMail, onRefused: options.onRefused })
  const webhooks = webhook === undefined ? undefined : makeWebhooks({ ...webhook, now })
  const delivery = makeDelivery(mailbox, now, (mail, event) => webhooks?.add(mail, event))
  return {
    mailbox,
    delivery,
    faults: makeFaults(),
    webhooks,
    pageToken: randomBytes(24).toString('base64url'),
    now,
    keptNow: () => new Date(now().getTime() + elapsed),
    account: () => account,
    configure(changes) {
      account = { ...account, ...changes }
    },
    async addressed() {
      delivery.settle()
      const mails = mailbox.mails()
      const known = await usersOf?.([...new Set(mails.flatMap(everybody))])
      if (known === undefined) return mails
      return mails.map((mail) => ({
        ...mail,
        users: [...new Set(everybody(mail).flatMap((address) => known.get(address) ?? []))],
      }))
    },
    async advance(milliseconds) {
      elapsed += milliseconds
      mailbox.age(milliseconds)
      webhooks?.age(milliseconds)
      delivery.settle()
      await webhooks?.pump()
    },
    async settle() {
      delivery.settle()
      await webhooks?.pump()
    },
    stop: () => webhooks?.stop(),
  }
}

function everybody({ to, cc, bcc }: Mail): string[] {
  return [...to, ...cc, ...bcc].map(bareAddress)
}
