import type { Database } from '../../database/engine.ts'
import type { Identity } from '../identities.ts'
import { askCases } from './ask-cases.ts'
import { compareDefiners } from './compare-definers.ts'
import { takeCases } from './definer-cases.ts'
import { askDefiners, freshDefiners, takeDefiners } from './definers.ts'

/** Users who call with arguments, besides anon, and functions so called. */
const callers = 4
const mostFunctions = 60

/** Calls the new and changed functions with their owner's rights on both sides, and compares. Throws `database.failed`, `aborted`. */
export async function lookAtDefiners(
  before: Database,
  after: Database,
  identities: readonly Identity[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ReturnType<typeof compareDefiners>> {
  const fresh = freshDefiners(await takeDefiners(before), await takeDefiners(after))
  const withArguments = fresh
    .map(({ definer }) => definer)
    .filter(({ args }) => args !== null)
    .slice(0, mostFunctions)
  const people = [
    ...identities.filter(({ role }) => role === 'anon'),
    ...identities.filter(({ role, userId }) => role === 'authenticated' && userId !== undefined).slice(0, callers),
  ]
  const cases = await takeCases(before, after, withArguments, people)
  return compareDefiners(
    fresh,
    {
      plain: await askDefiners(before, fresh, identities, options),
      cases: await askCases(before, withArguments, cases, options),
    },
    {
      plain: await askDefiners(after, fresh, identities, options),
      cases: await askCases(after, withArguments, cases, options),
    },
  )
}
