import type { Waiver } from '../model/config.ts'
import type { Finding } from '../model/finding.ts'
import type { Coverage } from '../model/verdict.ts'

/** ISO dates compare as text. The day of `until` is included; `today` is the day in UTC. */
export function isExpired(waiver: Waiver, today: string): boolean {
  return waiver.until < today
}

/** `public.profiles(timezone)` is one column of an object, unless the finding's object itself has parentheses (a function). */
function speaksOf(waiver: Waiver, finding: Finding): boolean {
  if (waiver.kind !== finding.kind) return false
  return waiver.object === finding.object || (finding.columns ?? []).some((column) => isColumn(waiver, finding, column))
}

function isColumn(waiver: Waiver, finding: Finding, column: string): boolean {
  return waiver.object === `${finding.object}(${column})`
}

/** The waivers, still valid, that together cover the finding: one for the whole object, or one for each of its columns. */
export function waiversFor(finding: Finding, waivers: readonly Waiver[], today: string): readonly Waiver[] {
  const speaking = waivers.filter((waiver) => !isExpired(waiver, today) && speaksOf(waiver, finding))
  if (speaking.some((waiver) => waiver.object === finding.object)) return speaking
  const columns = finding.columns ?? []
  return columns.every((column) => speaking.some((waiver) => isColumn(waiver, finding, column))) ? speaking : []
}

export function waiverCoverage({ owner, until, reason }: Waiver): Coverage {
  return { type: 'waiver', owner, until, reason }
}

/** The blocking finding for a waiver past its date, whether or not what it covered is still there. */
export function expiredWaiver(waiver: Waiver, findings: readonly Finding[]): Finding {
  const covered = findings.filter((finding) => speaksOf(waiver, finding)).length
  return {
    kind: 'waiver.expired',
    object: waiver.object,
    title: `The waiver of ${waiver.owner} for ${waiver.kind} on ${waiver.object} expired: it was valid until ${waiver.until}.`,
    evidence: [
      `Its reason was: ${waiver.reason}`,
      covered === 0
        ? 'Nothing of the kind was found in this run.'
        : `It would have covered ${covered} ${covered === 1 ? 'finding' : 'findings'} of this run.`,
    ],
    fix:
      covered === 0
        ? 'Remove the waiver from the config: what it was for is not found any more.'
        : `Mend what it covered, or let ${waiver.owner} decide on a new date in the config.`,
  }
}

export function unmatchedWaiver(waiver: Waiver): Finding {
  return {
    kind: 'waiver.unmatched',
    object: waiver.object,
    title: `The waiver of ${waiver.owner} for ${waiver.kind} on ${waiver.object} covered nothing in this run.`,
    evidence: [`It is valid until ${waiver.until}. Its reason was: ${waiver.reason}`],
  }
}
