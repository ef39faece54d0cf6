import { createHash } from 'node:crypto'
import type { Mail, RefusedMail, StackLog } from '../model/stack.ts'
import type { Sites } from './bad-links.ts'
import { problemsOf } from './content.ts'
import type { Problem } from './problem.ts'
import { type Secrets, secretsIn } from './secrets.ts'

/** Where a function's secret was seen. */
export type SecretPlace = 'mail' | 'log'

/** What was seen of the mails and logs of one stack. Counts and hashes of names, and what the data must still be asked for. */
export type Watched = {
  readonly mails: number
  readonly refused: number
  readonly logLines: number
  readonly problems: readonly {
    readonly sender: string
    readonly problem: Problem
    readonly mails: number
    readonly samples: readonly Problem[]
  }[]
  /** Mails to several addresses that all their readers see; whether they are users is asked later. */
  readonly shared: readonly { readonly sender: string; readonly addresses: readonly string[] }[]
  /** HTML parts by sender, a sample, to look for unescaped texts of people. */
  readonly parts: readonly { readonly sender: string; readonly html: string }[]
  readonly secrets: readonly {
    readonly sender: string
    readonly secret: string
    readonly place: SecretPlace
    readonly times: number
  }[]
}

export type Watch = {
  mail(mail: Mail): void
  refused(mail: RefusedMail): void
  line(line: StackLog): void
  end(): Watched
}

/** Samples kept for each problem, and HTML parts for each function: more say nothing new, and memory is bounded. */
const samples = 50
const maxParts = 200
/** What a mail's sender is called that no function's key tells. */
export const unknownSender = 'an unknown sender'

/** Looks at every mail of functions, and at every line that they write, as it comes. Mails of Auth have its own templates. */
export function watchMails(sites: Sites, secrets: Secrets): Watch {
  const problems = new Map<string, { sender: string; problem: Problem; mails: number; samples: Problem[] }>()
  const secretsSeen = new Map<string, { sender: string; secret: string; place: SecretPlace; times: number }>()
  const shared: { sender: string; addresses: readonly string[] }[] = []
  const parts = new Map<string, { sender: string; html: string }>()
  const counts = { mails: 0, refused: 0, logLines: 0 }

  const note = (sender: string, found: readonly Problem[]) => {
    const seen = new Set<string>()
    for (const problem of found) {
      const key = `${sender}\0${problem.kind}\0${problem.detail}`
      const known = problems.get(key) ?? { sender, problem, mails: 0, samples: [] }
      problems.set(key, known)
      if (known.samples.length < samples) known.samples.push(problem)
      if (!seen.has(key)) known.mails += 1
      seen.add(key)
    }
  }
  const noteSecrets = (sender: string, place: SecretPlace, text: string) => {
    for (const secret of secretsIn(text, secrets)) {
      const key = `${sender}\0${secret}\0${place}`
      const known = secretsSeen.get(key) ?? { sender, secret, place, times: 0 }
      known.times += 1
      secretsSeen.set(key, known)
    }
  }
  return {
    mail(mail) {
      if (mail.source !== 'resend') return
      counts.mails += 1
      const sender = mail.function ?? unknownSender
      note(sender, problemsOf(mail, sites))
      noteSecrets(sender, 'mail', searchedIn(mail))
      const visible = [...mail.to, ...mail.cc]
      if (visible.length > 1) shared.push({ sender, addresses: visible })
      if (mail.html !== undefined && parts.size < maxParts) {
        parts.set(createHash('sha256').update(`${sender}\0${mail.html}`).digest('hex'), { sender, html: mail.html })
      }
    },
    refused({ function: name, message }) {
      counts.refused += 1
      const field = /^The `\\n` is not allowed in the `(\w+)` field/.exec(message)?.[1]
      if (field !== undefined) note(name ?? unknownSender, [{ kind: 'header-injection', detail: field }])
    },
    line({ source, function: name, line }) {
      if (source !== 'function') return
      counts.logLines += 1
      noteSecrets(name ?? unknownSender, 'log', line)
    },
    end: () => ({
      ...counts,
      problems: [...problems.values()],
      shared,
      parts: [...parts.values()],
      secrets: [...secretsSeen.values()],
    }),
  }
}

/** All texts of a mail in which a secret could stand. */
export function searchedIn({ subject, html, text, headers, tags, links }: Mail): string {
  return JSON.stringify([subject, html, text, headers, tags, links])
}
