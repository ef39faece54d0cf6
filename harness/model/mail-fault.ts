/** Which requests a fault strikes. */
type Struck = {
  /** How many requests; `null`: all, until the faults are cleared. Default: 1. */
  readonly times?: number | null
  /** How many fitting requests pass first. Default: 0. */
  readonly after?: number
  /** Only what this edge function sends. */
  readonly function?: string
  /** Only requests with a mail to this address. */
  readonly recipient?: string
  /** Only requests to this endpoint. */
  readonly endpoint?: '/emails' | '/emails/batch'
}

/**
 * A fault of the mail service on demand.
 * - `error`: a 5xx, 500 unless told; `accepted`: the mail goes out although the caller is told that it did not.
 * - `rate-limit`: 429, whatever the rate; `retryAfter` in seconds, 1 unless told.
 * - `quota`: 429 for an exhausted day, or month.
 * - `slow`: the answer comes late, and the mail is accepted when it comes, or with `accepted` at once.
 * - `drop`: the connection breaks, before (unless told) or after the mail was accepted; the caller cannot tell which.
 */
export type MailFault = Struck &
  (
    | { readonly kind: 'error'; readonly status?: number; readonly accepted?: boolean }
    | { readonly kind: 'rate-limit'; readonly retryAfter?: number }
    | { readonly kind: 'quota'; readonly of?: 'day' | 'month' }
    | { readonly kind: 'slow'; readonly milliseconds: number; readonly accepted?: boolean }
    | { readonly kind: 'drop'; readonly when?: 'before' | 'after' }
  )

/** The team at Resend that the double plays. */
export type MailAccount = {
  /**
   * Requests per second, over all keys, before 429; `0`: any number. Default: 2, the least that a team at Resend has;
   * others have 5 or 10.
   */
  readonly rateLimit: number
  /** What every key of the form `re_…` may do. `none`: it was revoked. Default: `full_access`. */
  readonly apiKey: 'full_access' | 'sending_access' | 'none'
  /** Domains of `from` that are verified. Default: `any`, but those where nobody can verify one (free mailers, example domains). */
  readonly verifiedDomains: 'any' | readonly string[]
  /** The only address besides the test addresses that `onboarding@resend.dev` may send to. */
  readonly ownAddress: string
  /** Whether recipients at example.com and test.com are refused, as Resend does. Default: false, since masked copies hold such. */
  readonly refuseExampleRecipients: boolean
}
