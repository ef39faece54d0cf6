import { writeReports } from '../../reports/write.ts'
import type { KeptMail, KeptMails } from '../model/kept-mail.ts'
import { senderOf } from '../stack/mailbox/fields.ts'
import { keptMailsPage, readKeptMails } from './keep.ts'
import { renderKeptMails } from './page.ts'

/** Characters of mails in one page: what a browser opens within seconds. */
const mostCharacters = 100_000_000

/**
 * Writes the page of the mails that the run kept, and answers what a report may tell of it; `undefined` where none were
 * sent. Throws `report.unwritable`.
 */
export async function writeKeptMails(folder: string, most = mostCharacters): Promise<KeptMails | undefined> {
  const mails: KeptMail[] = []
  let characters = 0
  let left = 0
  for await (const mail of readKeptMails(folder)) {
    characters += (mail.html?.length ?? 0) + (mail.text?.length ?? 0) + 1000
    if (characters > most && mails.length > 0) left += 1
    else mails.push(mail)
  }
  if (mails.length === 0) return undefined
  await writeReports(folder, { [keptMailsPage]: renderKeptMails(mails, left) })
  const faults = mails.flatMap((mail) => mail.problems.map((problem) => ({ problem, sender: senderOf(mail) })))
  const grouped = Map.groupBy(faults, ({ problem }) => problem)
  return {
    page: keptMailsPage,
    mails: mails.length + left,
    senders: new Map([...grouped].map(([problem, all]) => [problem, new Set(all.map(({ sender }) => sender))])),
    failedTests: new Set(mails.flatMap(({ failedTests }) => failedTests)),
  }
}
