import { createHash } from 'node:crypto'
import { isError, type ResendError, refusals } from './resend-errors.ts'

type Entry = { readonly fingerprint: string; readonly at: number; answer?: object }

const day = 86_400_000

/**
 * Resend's promise for the `Idempotency-Key`, over all keys of a team: within 24 hours the same request again gets the
 * same answer and sends nothing; another payload, or the same one while the first is under way, is refused with 409.
 * A request that was refused leaves its key free. https://resend.com/docs/dashboard/emails/idempotency-keys
 */
export type Idempotency = {
  /** `endpoint` without the mount, so that a key means the same to every function. */
  once(
    key: string | undefined,
    endpoint: string,
    body: unknown,
    work: () => Promise<object | ResendError>,
  ): Promise<object | ResendError>
  /** Forgets every key. */
  clear(): void
}

export function makeIdempotency(now: () => Date): Idempotency {
  const entries = new Map<string, Entry>()
  return {
    async once(key, endpoint, body, work) {
      if (key === undefined) return work()
      if (key === '' || key.length > 256) return refusals.idempotencyKey
      const fingerprint = createHash('sha256').update(`${endpoint}\0`).update(JSON.stringify(body)).digest('hex')
      const at = now().getTime()
      const known = entries.get(key)
      if (known !== undefined && at - known.at < day) {
        if (known.fingerprint !== fingerprint) return refusals.otherPayload
        return known.answer ?? refusals.inProgress
      }
      const entry: Entry = { fingerprint, at }
      entries.set(key, entry)
      try {
        const answer = await work()
        if (isError(answer)) entries.delete(key)
        else entry.answer = answer
        return answer
      } catch (error) {
        entries.delete(key)
        throw error
      }
    },
    clear: () => entries.clear(),
  }
}
