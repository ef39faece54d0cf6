import type { Check } from '../model/check.ts'
import type { Finding, Severity } from '../model/finding.ts'
import type { Side } from '../model/suite-run.ts'
import type { ProblemKind } from './problem.ts'
import type { Seen } from './settle.ts'
import { secretWords, wordsOf } from './words.ts'

export type MailEvidence = { readonly findings: Finding[]; readonly checks: Check[] }

export type Expected = {
  /** Names of the edge functions. */
  readonly functions: readonly string[]
  /** Whether a contract names a function that mails: then one must have. */
  readonly mailsExpected: boolean
  /** Whether the app's own hosts are known. */
  readonly sitesKnown: boolean
  /** Stacks whose data could not be asked, with the reason. */
  readonly unasked: readonly string[]
}

/** Wrong whatever the other side does: production must not go on with it. */
const always: readonly ProblemKind[] = ['shared-recipients', 'header-injection', 'unescaped']

const sideNames: readonly Side[] = ['before', 'after']

/**
 * Joins what both sides mailed. A malformed mail blocks when it is new on after; one that is as bad on before is a
 * warning, but for what discloses addresses or lets a person write HTML or headers. A secret always blocks.
 */
export function compareMails(seen: Readonly<Record<Side, readonly Seen[]>>, expected: Expected): MailEvidence {
  const malformed = joined(
    seen,
    ({ problems }) => problems,
    ({ sender, kind, detail }) => [sender, kind, detail],
    ({ mails }) => mails,
  ).flatMap(({ one, counts }) => (counts.after === 0 ? [] : [malformedFinding(one, counts, expected)]))
  const exposed = joined(
    seen,
    ({ secrets }) => secrets,
    ({ sender, secret, place }) => [sender, secret, place],
    ({ times }) => times,
  ).map(({ one: { sender, secret, place }, counts }): Finding => {
    const where = place === 'mail' ? 'put into a mail' : 'written into its log'
    return {
      kind: 'secret.exposed',
      object: sender,
      title: `${capital(nameOf(sender))} has ${secret} ${where}, ${times(counts.before + counts.after)}`,
      evidence: [evidenceOf(counts)],
      ...(place === 'mail' ? { problem: secretWords(secret) } : {}),
    }
  })
  return {
    findings: [...malformed, ...exposed],
    checks: [mailCheck(seen, malformed, expected), secretCheck(seen, exposed, expected)],
  }
}

type Counts = Readonly<Record<Side, number>>

function joined<T>(
  seen: Readonly<Record<Side, readonly Seen[]>>,
  read: (one: Seen) => readonly T[],
  keyOf: (one: T) => readonly string[],
  countOf: (one: T) => number,
): { readonly one: T; readonly counts: Counts }[] {
  const all = new Map<string, { one: T; counts: Record<Side, number> }>()
  for (const side of sideNames) {
    for (const one of seen[side].flatMap(read)) {
      const key = keyOf(one).join('\0')
      const known = all.get(key) ?? { one, counts: { before: 0, after: 0 } }
      known.counts[side] += countOf(one)
      all.set(key, known)
    }
  }
  return [...all].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry)
}

function malformedFinding(
  { sender, kind, detail }: Seen['problems'][number],
  counts: Counts,
  { sitesKnown }: Expected,
): Finding {
  const severity = severityOf(kind, detail, counts, sitesKnown)
  const { said, fix } = wordsOf(kind, detail)
  return {
    kind: 'mail.malformed',
    object: sender,
    title: `${mails(counts.after)} of ${nameOf(sender)} ${counts.after === 1 ? 'has' : 'have'} ${said}`,
    evidence: [evidenceOf(counts)],
    problem: said,
    fix,
    severity,
  }
}

function severityOf(kind: ProblemKind, detail: string, counts: Counts, sitesKnown: boolean): Severity {
  if (always.includes(kind)) return 'blocking'
  if (counts.before > 0) return 'warning'
  // Resend writes a text part itself; and without SITE_URL a function falls back to this machine by design.
  if (kind === 'no-text' && detail === 'left to Resend') return 'warning'
  if (kind === 'broken-link' && detail.startsWith('to this machine') && !sitesKnown) return 'warning'
  return 'blocking'
}

function mailCheck(
  seen: Readonly<Record<Side, readonly Seen[]>>,
  findings: readonly Finding[],
  { functions, mailsExpected, sitesKnown, unasked }: Expected,
): Check {
  const plan = { id: 'features.mail', metric: 'features', title: 'Mails are well formed' } as const
  const total = (side: Side) => seen[side].reduce((sum, { mails: count }) => sum + count, 0)
  const [was, is] = [total('before'), total('after')]
  const required = functions.length > 0 && (mailsExpected || is > 0)
  if (unasked.length > 0) return { ...plan, required, status: 'not run', reason: unasked[0] ?? '' }
  if (functions.length === 0) return { ...plan, required, status: 'passed', summary: 'There are no edge functions.' }
  if (is === 0) {
    return mailsExpected
      ? {
          ...plan,
          required,
          status: 'not run',
          reason: 'no function sent a mail on the migrated copy, although a contract names one that does',
        }
      : { ...plan, required, status: 'not configured', reason: 'no contract names a function that mails, and none did' }
  }
  const excused = [...seen.before, ...seen.after].reduce((sum, one) => sum + one.excused, 0)
  const blocking = findings.filter(({ severity }) => severity === 'blocking').length
  return {
    ...plan,
    required,
    status: blocking > 0 ? 'failed' : 'passed',
    summary:
      `${mails(is)} of functions were read on the migrated copy${was === 0 ? '' : `, ${was} before`}` +
      `${findings.length === 0 ? '' : `; ${findings.length} ${findings.length === 1 ? 'kind' : 'kinds'} of trouble`}` +
      `${sitesKnown ? '.' : "; whether links are the app's own was not looked at, since functionsEnv names no site."}`,
    numbers: { mailsBefore: was, mailsAfter: is, malformed: findings.length, wordedSoInData: excused },
  }
}

function secretCheck(
  seen: Readonly<Record<Side, readonly Seen[]>>,
  findings: readonly Finding[],
  { functions }: Expected,
): Check {
  const all = [...seen.before, ...seen.after]
  const lines = all.reduce((sum, { logLines }) => sum + logLines, 0)
  const sent = all.reduce((sum, { mails: count }) => sum + count, 0)
  return {
    id: 'access.secrets',
    metric: 'access',
    title: 'Mails and logs of functions hold no secret',
    required: functions.length > 0,
    status: findings.length === 0 ? 'passed' : 'failed',
    summary:
      functions.length === 0
        ? 'There are no edge functions.'
        : `${mails(sent)} and ${lines} lines of logs were searched for keys and tokens.`,
    numbers: { mailsSearched: sent, logLinesSearched: lines },
  }
}

function evidenceOf({ before, after }: Counts): string {
  return `on the migrated copy ${times(after)}, before the migrations ${before === 0 ? 'never' : times(before)}`
}

function nameOf(sender: string): string {
  return sender.includes(' ') ? sender : `the function ${sender}`
}

function mails(count: number): string {
  return `${count} ${count === 1 ? 'mail' : 'mails'}`
}

function times(count: number): string {
  return count === 0 ? 'never' : count === 1 ? 'once' : `${count} times`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
