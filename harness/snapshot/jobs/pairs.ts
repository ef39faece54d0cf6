import type { Job, JobPair } from './facts.ts'

/**
 * Which job is which on the other side: by name and user, as pg_cron tells them apart; by name alone where it changed
 * hands; one without a name by its number, or else its command. Pure.
 */
export function pairsOf(before: readonly Job[], after: readonly Job[]): readonly JobPair[] {
  const left = new Set(after)
  const found = new Map<Job, Job>()
  const pairUp = (fits: (was: Job, is: Job) => boolean) => {
    for (const was of before) {
      if (found.has(was)) continue
      const is = [...left].find((job) => fits(was, job))
      if (is === undefined) continue
      found.set(was, is)
      left.delete(is)
    }
  }
  const isNamed = ({ jobname }: Job) => jobname !== undefined
  pairUp((was, is) => isNamed(was) && was.jobname === is.jobname && was.user === is.user)
  pairUp((was, is) => isNamed(was) && was.jobname === is.jobname)
  pairUp((was, is) => !isNamed(was) && !isNamed(is) && was.id === is.id)
  pairUp((was, is) => !isNamed(was) && !isNamed(is) && was.command === is.command)
  return [
    ...before.map((was): JobPair => ({ name: was.name, was, is: found.get(was) })),
    ...[...left].map((is): JobPair => ({ name: is.name, is })),
  ]
}
