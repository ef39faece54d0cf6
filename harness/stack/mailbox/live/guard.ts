import { resendDomain } from '../account.ts'
import { domainOf, inboxOf, parseAddress } from '../addresses.ts'

/**
 * Decides whom a rehearsal may really mail: Resend's test addresses and those that the config allows by name, and
 * never an address of the dump. What cannot be decided is refused.
 */
export type LiveGuard = {
  /** Why a mail to all of these must not go out; `undefined` when it may. Holds no address. */
  refuse(recipients: readonly string[]): Promise<string | undefined>
}

export type LiveGuardOptions = {
  /** Addresses of the team, whole. */
  readonly allow: readonly string[]
  /** Which of these inboxes (lower case, without label) stand anywhere in the dump. */
  readonly inDump: (inboxes: readonly string[]) => Promise<ReadonlySet<string>>
}

export function makeLiveGuard({ allow, inDump }: LiveGuardOptions): LiveGuard {
  const allowed = new Set(allow.map(inboxOf))
  return {
    async refuse(recipients) {
      if (recipients.length === 0) return 'it has no recipient'
      if (recipients.some((text) => parseAddress(text) === undefined)) return 'a recipient cannot be read'
      const inboxes = [...new Set(recipients.map(inboxOf))]
      const stranger = inboxes.some((inbox) => domainOf(inbox) !== resendDomain && !allowed.has(inbox))
      if (stranger) return 'a recipient is neither at resend.dev nor in mail.live.allow of the config'
      const known = await inDump(inboxes).catch(() => undefined)
      if (known === undefined) return 'the dump could not be asked whether a recipient stands in it'
      return inboxes.some((inbox) => known.has(inbox)) ? 'a recipient stands in the dump' : undefined
    },
  }
}
