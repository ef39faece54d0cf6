import type { Check } from '../../../model/check.ts'
import type { Finding } from '../../../model/finding.ts'
import { sayRefusal } from './compare.ts'
import type { LoginOutcome } from './outcome.ts'

const check = {
  id: 'logins.canaries',
  metric: 'logins',
  title: 'The canaries logged in with their passwords',
} as const

/**
 * Canaries are named by their place in the config, never by their address. One that cannot log in before the migration
 * says nothing about the migration: the check is then not run, which makes the verdict inconclusive and not no-go.
 */
export function compareCanaries(
  before: readonly LoginOutcome[],
  after: readonly LoginOutcome[],
): { findings: Finding[]; checks: Check[] } {
  if (before.length === 0) return { findings: [], checks: [canariesNotTried(0, '')] }
  const findings = before.flatMap((was, at) => findingOf(was, after[at], at + 1))
  const unusable = before.flatMap((was, at) => (was.state === 'in' ? [] : [{ number: at + 1, why: sayRefusal(was) }]))
  const numbers = { canaries: before.length, canariesUnusable: unusable.length, canariesFailing: findings.length }
  const common = { ...check, required: true, numbers }
  if (unusable.length > 0) {
    const named = unusable.map(({ number, why }) => `canary ${number} (${why})`).join(', ')
    const reason = `Before the migration already ${named} cannot log in: correct the address or the password.`
    return { findings, checks: [{ ...common, status: 'not run', reason }] }
  }
  const summary =
    findings.length === 0
      ? `${before.length === 1 ? '1 canary logs' : `${before.length} canaries log`} in with the password on both sides.`
      : `${findings.length} of ${before.length} canaries cannot log in as before.`
  return { findings, checks: [{ ...common, status: findings.length === 0 ? 'passed' : 'failed', summary }] }
}

/** The check of so many canaries of which none was tried. */
export function canariesNotTried(canaries: number, reason: string): Check {
  if (canaries > 0) return { ...check, required: true, status: 'not run', reason }
  const none = 'The config names no canaries: no password was tried.'
  return { ...check, required: false, status: 'not configured', reason: none }
}

function findingOf(was: LoginOutcome, is: LoginOutcome | undefined, number: number): Finding[] {
  if (was.state !== 'in') return []
  const said =
    is?.state !== 'in'
      ? `Canary ${number} cannot log in any more: ${is === undefined ? 'it was not tried' : sayRefusal(is)}.`
      : is.user === was.user
        ? undefined
        : `Canary ${number} logs in to another account than before.`
  if (said === undefined) return []
  const evidence = [`Number ${number} in the config's list. It logged in on a clone of before, with the same password.`]
  return [{ kind: 'auth.login-fails', object: 'auth.users', title: said, evidence }]
}
