import type { MailAccount } from '../../model/mail-fault.ts'
import { domainOf, parseAddress } from './addresses.ts'
import { type ResendError, refusals } from './resend-errors.ts'

export const defaultAccount: MailAccount = {
  rateLimit: 2,
  apiKey: 'full_access',
  verifiedDomains: 'any',
  ownAddress: 'delivered@resend.dev',
  refuseExampleRecipients: false,
}

const freeMailers = [
  'gmail.com',
  'googlemail.com',
  'yahoo.com',
  'outlook.com',
  'hotmail.com',
  'live.com',
  'icloud.com',
  'me.com',
  'aol.com',
  'gmx.de',
  'gmx.net',
  'web.de',
  'proton.me',
  'protonmail.com',
]
const exampleDomain = /^(.*\.)?(example\.(com|org|net)|test\.com|example|test|invalid|localhost|local)$/

/** Resend's own domain for first steps, and for its test recipients. */
export const resendDomain = 'resend.dev'

/** Whether this team may send from that address to those: the domain rules. `undefined` when it may. */
export function refuseSender(
  { verifiedDomains, ownAddress }: MailAccount,
  from: string,
  recipients: readonly string[],
): ResendError | undefined {
  const domain = domainOf(parseAddress(from)?.address ?? from)
  if (domain === resendDomain) {
    const allowed = recipients.every((to) => domainOf(to) === resendDomain || to === ownAddress.toLowerCase())
    return allowed ? undefined : refusals.testSender(ownAddress)
  }
  const verified =
    verifiedDomains === 'any'
      ? !freeMailers.includes(domain) && !exampleDomain.test(domain)
      : verifiedDomains.some((known) => known.toLowerCase() === domain)
  return verified ? undefined : refusals.domain(domain)
}

export function isExampleDomain(domain: string): boolean {
  return exampleDomain.test(domain)
}
