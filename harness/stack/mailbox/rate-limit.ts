/** What the headers of an answer say: https://resend.com/docs/api-reference/rate-limit (IETF draft 6). Seconds. */
export type RateState = {
  readonly exceeded: boolean
  readonly limit: number
  readonly remaining: number
  readonly reset: number
}

/** Counts requests in windows of one second of the double's clock. `perSecond` is asked at each request. */
export function makeRateLimit(now: () => Date, perSecond: () => number): () => RateState | undefined {
  let window = { start: Number.NEGATIVE_INFINITY, requests: 0 }
  return () => {
    const limit = perSecond()
    if (limit <= 0) return undefined
    const at = now().getTime()
    // A clock that was moved back starts anew, too.
    if (at >= window.start + 1000 || at < window.start) window = { start: at, requests: 0 }
    window.requests += 1
    return {
      exceeded: window.requests > limit,
      limit,
      remaining: Math.max(0, limit - window.requests),
      reset: Math.ceil((window.start + 1000 - at) / 1000),
    }
  }
}

export function rateHeaders({ exceeded, limit, remaining, reset }: RateState): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(reset),
    'ratelimit-policy': `${limit};w=1`,
    ...(exceeded ? { 'retry-after': String(reset) } : {}),
  }
}
