import { testMail } from '../mails/test-mail.ts'
import type { KeptMail } from '../model/kept-mail.ts'

/** A kept mail for tests, with changes. */
export function keptMail(changes: Partial<KeptMail> = {}): KeptMail {
  const mail = testMail({ html: '<p>Hello Ada</p>', function: 'notify' })
  return { ...mail, side: 'after', problems: [], failedTests: [], ...changes }
}
