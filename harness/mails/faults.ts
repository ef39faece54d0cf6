import type { Mail } from '../model/stack.ts'
import type { Sites } from './bad-links.ts'
import { problemsOf, unescapedIn } from './content.ts'
import { isExcused } from './excuse.ts'
import type { Known } from './known.ts'
import type { ProblemKind } from './problem.ts'
import { type Secrets, secretsIn } from './secrets.ts'
import { hasSeveralUsers, type Seen } from './settle.ts'
import { searchedIn, unknownSender } from './watch.ts'
import { secretWords, wordsOf } from './words.ts'

/** What a stack's mails were held against, and what stands of it. */
export type Held = {
  readonly sites: Sites
  readonly secrets: Secrets
  readonly known: Known
  readonly seen: Pick<Seen, 'problems'>
}

/** What is wrong with one mail, in the words of the findings (`Finding.problem`), once each. Only what a finding tells. */
export function faultsOf(mail: Mail, { sites, secrets, known, seen }: Held): string[] {
  if (mail.source !== 'resend') return []
  const sender = mail.function ?? unknownSender
  const problems: { readonly kind: ProblemKind; readonly detail: string }[] = problemsOf(mail, sites).filter(
    (problem) => !isExcused(problem, known.values),
  )
  if (hasSeveralUsers([...mail.to, ...mail.cc], known)) problems.push({ kind: 'shared-recipients', detail: '' })
  if (unescapedIn(mail.html ?? '', known.tagged)) problems.push({ kind: 'unescaped', detail: '' })
  const told = problems.filter(({ kind, detail }) =>
    seen.problems.some((one) => one.sender === sender && one.kind === kind && one.detail === detail),
  )
  const said = told.map(({ kind, detail }) => wordsOf(kind, detail).said)
  return [...new Set([...said, ...secretsIn(searchedIn(mail), secrets).map(secretWords)])]
}
