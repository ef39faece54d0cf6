import { z } from 'zod'

const scope = {
  times: z.int().positive().nullable().default(1),
  after: z.int().nonnegative().default(0),
  function: z.string().optional(),
  recipient: z.string().optional(),
  endpoint: z.enum(['/emails', '/emails/batch']).optional(),
}

/** `MailFault`, as `POST /mailbox/faults` takes it, with the defaults filled in. */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(500).max(599).default(500),
    accepted: z.boolean().default(false),
    ...scope,
  }),
  z.strictObject({ kind: z.literal('rate-limit'), retryAfter: z.number().nonnegative().default(1), ...scope }),
  z.strictObject({ kind: z.literal('quota'), of: z.enum(['day', 'month']).default('day'), ...scope }),
  z.strictObject({
    kind: z.literal('slow'),
    milliseconds: z.number().positive().max(120_000),
    accepted: z.boolean().default(false),
    ...scope,
  }),
  z.strictObject({ kind: z.literal('drop'), when: z.enum(['before', 'after']).default('before'), ...scope }),
])

export type Fault = z.infer<typeof faultSchema>

export type Struck = {
  readonly endpoint: string
  readonly function: string | undefined
  readonly recipients: readonly string[]
}

export type Faults = {
  add(fault: Fault): void
  /** The fault that strikes this request: the oldest that fits; it is used up by one. */
  next(request: Struck): Fault | undefined
  /** Those that can still strike. */
  pending(): readonly Fault[]
  clear(): void
}

export function makeFaults(): Faults {
  let active: { readonly fault: Fault; times: number; after: number }[] = []
  return {
    add: (fault) => void active.push({ fault, times: fault.times ?? Number.POSITIVE_INFINITY, after: fault.after }),
    next(request) {
      for (const entry of active) {
        if (!fits(entry.fault, request)) continue
        if (entry.after > 0) {
          entry.after -= 1
          continue
        }
        entry.times -= 1
        active = active.filter(({ times }) => times > 0)
        return entry.fault
      }
      return undefined
    },
    pending: () => active.map(({ fault }) => fault),
    clear: () => {
      active = []
    },
  }
}

function fits(fault: Fault, { endpoint, function: sender, recipients }: Struck): boolean {
  return (
    (fault.function === undefined || fault.function === sender) &&
    (fault.recipient === undefined || recipients.includes(fault.recipient.toLowerCase())) &&
    (fault.endpoint === undefined || fault.endpoint === endpoint)
  )
}
