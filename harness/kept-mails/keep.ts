import { createReadStream } from 'node:fs'
import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HarnessError, messageOf } from '../errors.ts'
import type { KeptMail } from '../model/kept-mail.ts'

/** Where `--keep` puts the mails of a run, beside the reports: one JSON object a line, addresses and all. */
export const keptMailsFile = 'kept-mails.jsonl'
/** The same for a browser. */
export const keptMailsPage = 'kept-mails.html'

/**
 * Adds mails to those of the run, for whoever asked to keep the copy: they hold real addresses, so nobody else may read
 * them. Throws `report.unwritable`.
 */
export async function keepMails(folder: string, mails: readonly KeptMail[]): Promise<void> {
  if (mails.length === 0) return
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const lines = mails.map((mail) => `${oneLine(mail)}\n`)
    await appendFile(join(folder, keptMailsFile), lines.join(''), { mode: 0o600 })
  } catch (cause) {
    throw new HarnessError('report.unwritable', `The mails could not be kept in ${folder}: ${messageOf(cause)}.`, {
      facts: { folder },
      cause,
    })
  }
}

/** JSON without what readers of lines take for the end of one. */
export function oneLine(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** The mails that a run has kept so far, one after the other; none where there is no file. */
export async function* readKeptMails(folder: string): AsyncGenerator<KeptMail> {
  const input = createReadStream(join(folder, keptMailsFile), 'utf8')
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield JSON.parse(line) as KeptMail
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  } finally {
    input.destroy()
  }
}

/** Takes the mails of an earlier run away, and their page. */
export async function forgetKeptMails(folder: string): Promise<void> {
  for (const name of [keptMailsFile, keptMailsPage]) await rm(join(folder, name), { force: true })
}
