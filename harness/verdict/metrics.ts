import type { Check } from '../model/check.ts'
import { type MetricName, metricNames } from '../model/finding.ts'
import type { JudgedFinding, Metric } from '../model/verdict.ts'
import { accessInWords } from './access-words.ts'
import { concerns } from './areas.ts'

type Words = {
  /** As the plan words it. */
  readonly title: string
  readonly met: string
  readonly notMet: string
  /** Checks whose numbers say most, first one first: the first that gave an answer is quoted. */
  readonly lead: readonly string[]
  /** What several checks come to together, in place of the quote. */
  readonly together?: (checks: readonly Check[]) => string | undefined
}

const words: Readonly<Record<MetricName, Words>> = {
  logins: {
    title: 'All existing users can log in',
    met: 'Whoever could log in before can log in after',
    notMet: 'Some users would have trouble to log in or sign up',
    lead: ['logins.real', 'logins.users-read', 'suite:auth'],
  },
  access: {
    title: 'All user data is accessible, and only to whom it should be',
    met: 'Everyone reaches what they reached before, and only what is meant',
    notMet: 'Who can see or change what would differ from what was declared',
    lead: ['access.everyone', 'access.row-sets', 'suite:rls'],
    together: accessInWords,
  },
  features: {
    title: 'All features work identically',
    met: 'What worked before works after',
    notMet: 'Something would not work after the deploy',
    lead: ['features.suites', 'features.api'],
  },
  data: {
    title: 'No data loss or corruption',
    met: 'Nothing is lost or altered but what was declared',
    notMet: 'Data would be lost or altered, or could not be brought back',
    lead: ['data.ledger', 'restore.rows'],
  },
  performance: {
    title: 'Performance is maintained or improved',
    met: 'Reads are as cheap as before, or cheaper',
    notMet: 'Something would become slower or stand still',
    lead: ['performance.queries'],
  },
}

/** The five metrics in their order, from all checks and all findings as they were judged. */
export function decideMetrics(checks: readonly Check[], findings: readonly JudgedFinding[]): readonly Metric[] {
  const sorted = [...checks].sort((one, other) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0))
  return metricNames.map((name) =>
    decideMetric(
      name,
      sorted.filter((check) => check.metric === name),
      findings,
    ),
  )
}

function decideMetric(name: MetricName, checks: readonly Check[], all: readonly JudgedFinding[]): Metric {
  const findings = all.filter((finding) => finding.metric === name)
  const { title, met, notMet, lead, together } = words[name]
  const leading = byRank(checks, lead)
  const facts = { name, title, checks, numbers: numbersOf(leading) }
  const harm = findings.filter((finding) => finding.blocking)
  if (harm[0]) {
    return { ...facts, status: 'not met', summary: `${notMet}: ${bare(harm[0].title)}${andMore(harm.length - 1)}.` }
  }
  const unknown = whyUnknown(checks, all)
  if (unknown) return { ...facts, status: 'unknown', summary: `Not known: ${unknown}` }
  const covered = findings.filter((finding) => finding.severity === 'blocking').length
  const untried = checks.find(({ id, status }) => id === 'features.tried' && status === 'not configured')
  const quoted = leading.find(
    (check) => isConclusive(check) && check.summary && !(untried && check.id === 'features.suites'),
  )?.summary
  const numbers = together?.(checks) ?? quoted
  const said = [
    numbers && `: ${bare(numbers)}`,
    untried && `; what the app does with it was not tried, since ${untried.reason}`,
    covered > 0 && `; ${covered} ${covered === 1 ? 'finding is' : 'findings are'} declared or waived`,
  ]
    .filter(Boolean)
    .join('')
  const claim = untried ? 'The Data API offers what it offered before' : met
  return { ...facts, status: 'met', summary: `${claim}${said}.` }
}

/** The reason why no answer can be given, as the rest of a sentence; undefined when one can. */
function whyUnknown(checks: readonly Check[], findings: readonly JudgedFinding[]): string | undefined {
  const missing = checks.filter(isMissing)
  if (missing[0]) return `${sayMissing(missing[0])}${andMore(missing.length - 1)}.`
  if (!checks.some(isConclusive)) return 'no check of it ran.'
  const told = findings.filter(({ severity }) => severity !== 'info')
  const isTold = (check: Check) => told.some((finding) => finding.metric === check.metric || concerns(check, finding))
  const mute = checks.find((check) => check.required && check.status === 'failed' && !isTold(check))
  if (mute) return `the check "${mute.title}" failed, and no finding says how.`
  return undefined
}

/** It gave an answer, whichever. */
export function isConclusive({ status }: Check): boolean {
  return status === 'passed' || status === 'failed'
}

/** A required check that gave no answer. */
function isMissing(check: Check): boolean {
  return check.required && !isConclusive(check)
}

/** `the check "…" did not run: reason` */
function sayMissing(check: Check): string {
  const state = check.status === 'not configured' ? 'is not configured' : 'did not run'
  return `the check "${check.title}" ${state}${check.reason ? `: ${bare(check.reason)}` : ''}`
}

/** The checks that say most first, the rest in their order. */
function byRank(checks: readonly Check[], lead: readonly string[]): readonly Check[] {
  const rank = ({ id }: Check) => (lead.includes(id) ? lead.indexOf(id) : lead.length)
  return checks.toSorted((one, other) => rank(one) - rank(other))
}

/** All figures of the checks; of two with the same key the first keeps it, the other has its check's id in front. */
function numbersOf(checks: readonly Check[]): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {
    checks: checks.length,
    checksPassed: checks.filter(({ status }) => status === 'passed').length,
  }
  for (const check of checks) {
    for (const [key, value] of Object.entries(check.numbers ?? {})) {
      numbers[key in numbers ? `${check.id}/${key}` : key] = value
    }
  }
  return numbers
}

function bare(sentence: string): string {
  return sentence.trim().replace(/\.$/, '')
}

function andMore(count: number): string {
  return count > 0 ? `, and ${count} more` : ''
}
