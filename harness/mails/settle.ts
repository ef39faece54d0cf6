import { unescapedIn } from './content.ts'
import { excuseKey, isExcused } from './excuse.ts'
import type { Asked, Known } from './known.ts'
import type { ProblemKind } from './problem.ts'
import type { SecretPlace, Watched } from './watch.ts'

/** What stands of one side once the data were asked: counts, free of the mails' own words. */
export type Seen = {
  readonly mails: number
  readonly refused: number
  readonly logLines: number
  readonly problems: readonly {
    readonly sender: string
    readonly kind: ProblemKind
    readonly detail: string
    readonly mails: number
  }[]
  readonly secrets: readonly {
    readonly sender: string
    readonly secret: string
    readonly place: SecretPlace
    readonly times: number
  }[]
  /** What looked like a problem and stands in the data. */
  readonly excused: number
}

/** What the data must be asked for what was seen. */
export function questions(watched: Watched, names: Asked['names']): Asked {
  const keys = watched.problems.flatMap(({ samples }) =>
    samples.filter(({ quote }) => quote !== undefined).map(excuseKey),
  )
  return {
    keys: [...new Set(keys)].sort(),
    addresses: [...new Set(watched.shared.flatMap(({ addresses }) => addresses.map(bare)))].sort(),
    names,
    html: watched.parts.length > 0,
  }
}

/** Leaves out what people wrote themselves, and adds what only the data can tell. */
export function settle(watched: Watched, known: Known): Seen {
  let excused = 0
  const problems = watched.problems.flatMap(({ sender, problem, mails, samples }) => {
    const left = samples.filter((sample) => !isExcused(sample, known.values))
    excused += samples.length - left.length
    if (left.length === 0) return []
    // Of more mails than samples some may be excused, too: then only the samples are sure.
    const count = left.length === samples.length ? mails : Math.min(mails, left.length)
    return [{ sender, kind: problem.kind, detail: problem.detail, mails: count }]
  })
  const count = (senders: readonly string[]) => Map.groupBy(senders, (sender) => sender)
  const shared = count(
    watched.shared.flatMap(({ sender, addresses }) => (hasSeveralUsers(addresses, known) ? [sender] : [])),
  )
  const unescaped = count(
    watched.parts.flatMap(({ sender, html }) => (unescapedIn(html, known.tagged) ? [sender] : [])),
  )
  return {
    mails: watched.mails,
    refused: watched.refused,
    logLines: watched.logLines,
    problems: [
      ...problems,
      ...[...shared].map(([sender, all]) => ({
        sender,
        kind: 'shared-recipients' as const,
        detail: '',
        mails: all.length,
      })),
      ...[...unescaped].map(([sender, all]) => ({ sender, kind: 'unescaped' as const, detail: '', mails: all.length })),
    ],
    secrets: watched.secrets,
    excused,
  }
}

/** Whether more than one of the addresses is an account's. */
export function hasSeveralUsers(addresses: readonly string[], { users }: Pick<Known, 'users'>): boolean {
  return new Set(addresses.map(bare).filter((address) => users.has(address))).size > 1
}

function bare(address: string): string {
  return (/<([^<>]+)>\s*$/.exec(address)?.[1] ?? address).trim().toLowerCase()
}
