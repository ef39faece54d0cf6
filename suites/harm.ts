import { expect, vi } from 'vitest'
import type { MailKind } from '../harness/model/finding.ts'

/** Runs a check; when it fails, the finding of its test is of this kind, instead of one about any feature. */
export function harm(kind: MailKind, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { harm: kind }) : error
  }
}

/** Holds mails per address against what is due: more are doubled, fewer are `lost`. */
export const expectMails: (
  actual: readonly number[],
  due: readonly number[],
  what: string,
  lost?: 'mail.missing-recipient' | 'mail.lost-on-failure',
) => void = vi.defineHelper((actual, due, what, lost = 'mail.missing-recipient') => {
  const unwanted = actual.some((mails, at) => mails > 0 && due[at] === 0)
  const more = actual.some((mails, at) => mails > (due[at] ?? 0))
  harm(unwanted ? 'mail.wrong-recipient' : more ? 'mail.duplicate' : lost, () => expect(actual, what).toEqual(due))
})
