import type { Database } from './database/engine.ts'
import type { Contracts } from './model/config.ts'
import type { Mailing } from './model/people-sql.ts'
import type { Side } from './model/suite-run.ts'
import { compareRecipients, recipientsNotConfigured } from './snapshot/recipients/compare.ts'
import { takeRecipients } from './snapshot/recipients/take.ts'
import type { Evidence } from './stages.ts'

/** The contracts that say who is mailed about what; absent where one of them is. */
export function mailingOf({ resource, membership, profile, notifications }: Contracts = {}): Mailing | undefined {
  if (resource === undefined || membership === undefined || notifications === undefined) return undefined
  return { resource, membership, ...(profile === undefined ? {} : { profile }) }
}

/** The stage `recipients`: who would be mailed about each resource of production, before and after. Throws `aborted`. */
export async function lookAtRecipients(
  { before, after }: Readonly<Record<Side, Database>>,
  mailing: Mailing | undefined,
  signal: AbortSignal,
): Promise<Evidence> {
  if (mailing === undefined) return { findings: [], checks: [recipientsNotConfigured] }
  return compareRecipients(await takeRecipients(before, after, mailing, { signal }), mailing)
}
